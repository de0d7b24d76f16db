"""Sources of text: how texts become ids, and where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workbench.data.tokens import BPE_LEAST, TokenKind
from workbench.settings.base import Conditions, PathText, setting
from workbench.settings.data_choice import MISSING_VALUES, DataChoice, LabelledData, TaskName
from workbench.settings.generation import ContinuedText

if TYPE_CHECKING:
    from workbench.data.continued_text import Windows
    from workbench.data.fit_tokens import Tokens
    from workbench.data.samples import Samples
    from workbench.metrics import TaskKind
    from workbench.settings.data_choice import Report


def tokens(default: TokenKind) -> TokenKind:
    """The kind of tokens."""
    kind: TokenKind = setting(
        default,
        "what texts are split into; bpe: frequent parts of words, learned from the training split or a file",
    )
    return kind


LEARNED: Conditions = {"tokens": ("words", "characters", "bpe"), "tokenizer": ("",)}
"""The vocabulary is learned from the training split."""


class TextData(DataChoice):
    """A source of text. Texts become ids of tokens, by a vocabulary of the training split alone."""

    tokens: TokenKind = tokens("words")
    vocabulary: int = setting(
        20_000,
        "maximum vocabulary, padding and unknown included; the most frequent tokens are kept; bytes always have 258",
        unit="tokens",
        step="double",
        only_if=LEARNED,
        ge=3,
        le=1_000_000,
    )
    tokenizer: PathText = setting(
        "",
        "bpe: a tokenizer.json of the library tokenizers; empty: learned from the training split",
        empty="learned",
        only_if={"tokens": ("bpe",)},
    )
    min_count: int = setting(
        1,
        "tokens that occur less often in the training split are unknown",
        only_if=LEARNED,
        ge=1,
        le=1_000_000,
    )

    def make_tokens(self, *, lowercase: bool) -> Tokens:
        """How texts become ids. Raises PresetError where the settings do not fit together."""
        from workbench.data.fit_tokens import Tokens
        from workbench.errors import PresetError

        if self.tokenizer and self.tokens != "bpe":
            raise PresetError(f'data.tokenizer is for data.tokens = "bpe", not "{self.tokens}"; remove one of them')
        if self.tokens == "bpe" and not self.tokenizer and self.vocabulary < BPE_LEAST:
            raise PresetError(
                f'data.vocabulary = {self.vocabulary}, but data.tokens = "bpe" needs at least {BPE_LEAST}: padding, '
                "unknown and the 256 bytes; more for parts of words"
            )
        return Tokens(self.tokens, self.vocabulary, self.min_count, lowercase, self.tokenizer)


class LabelledTexts(TextData, LabelledData):
    """Texts, each with a class or numbers."""

    lowercase: bool = setting(True, "words: upper case becomes lower case", only_if={"tokens": ("words",)})
    max_length: int = setting(
        0,
        "maximum tokens per text, longer ones are cut; 0: as many as 95 % of the training texts need, up to 1,024",
        unit="tokens",
        step=32,
        empty="auto",
        ge=0,
        le=1_000_000,
    )
    group_by_length: bool = setting(
        True,
        "batches of texts of similar length, to save padding, if that saves at least 10 %; else all have one length",
        only_if={"runtime.data_loading": ("auto", "on_device")},
    )

    @property
    def cuts_padding(self) -> bool:
        return self.group_by_length


class TextFiles(DataChoice):
    """Text that is read from files."""

    encoding: str = setting(
        "auto",
        "encoding of the files, such as utf-8 or cp1252; auto: detected, a guess is noted",
        examples=["auto", "utf-8", "cp1252", "latin-1", "utf-16", "shift_jis", "gb18030", "koi8-r"],
    )


class Docstrings(LabelledTexts):
    """6,500 first paragraphs of docstrings, and which of 8 installed packages wrote each; bundled."""

    name: Literal["docstrings"] = "docstrings"

    def build(self, report: Report) -> Samples:
        from workbench.data.docstrings import docstrings

        return docstrings(self.make_tokens(lowercase=self.lowercase), self.max_length, report)


class TextTable(LabelledTexts, TextFiles):
    """A table of texts: CSV, TSV or JSON lines, with a column of text and one to predict."""

    name: Literal["text_table"] = "text_table"
    file: PathText = setting(..., "the file; may be compressed with gzip, bzip2, xz or zip")
    text: str = setting("text", "the column of text", names="columns")
    target: str = setting(..., "the column to predict", names="columns")
    group: str = setting(
        "",
        "the column that says which rows belong together, such as an author; they stay in one split",
        names="columns",
        empty="no column",
    )
    task: TaskName = setting(
        "auto", "classes or numbers to predict; auto: words and at most 20 different whole numbers are classes"
    )
    delimiter: Literal["auto", ",", "\t", ";", "|"] = setting("auto", "separator of two fields")
    missing: Literal["error", "drop"] = setting("error", "rows without a target: an error, or dropped")
    missing_values: tuple[str, ...] = setting(
        MISSING_VALUES, 'exact texts that stand for a missing target; [""] keeps None, NA and na as words'
    )

    @property
    def predicts(self) -> TaskKind | None:
        return None if self.task == "auto" else self.task

    def build(self, report: Report) -> Samples:
        from workbench.data.text_table import text_table

        return text_table(
            Path(self.file),
            self.text,
            self.target,
            self.group,
            self.task,
            self.delimiter,
            self.encoding,
            self.missing,
            self.missing_values,
            self.make_tokens(lowercase=self.lowercase),
            self.max_length,
        )


class TextFolder(LabelledTexts, TextFiles):
    """Your texts, one folder per class: FOLDER/<class>/*.txt, or FOLDER/{train,validation,test}/<class>/*.txt."""

    name: Literal["text_folder"] = "text_folder"
    folder: PathText = setting(..., "the folder that contains one folder per class")

    def build(self, report: Report) -> Samples:
        from workbench.data.text_folder import text_folder

        tokens = self.make_tokens(lowercase=self.lowercase)
        return text_folder(Path(self.folder), self.encoding, tokens, self.max_length, report)


class LongText(TextData, ContinuedText):
    """One long text for a language model, which predicts every next token."""

    tokens: TokenKind = tokens("characters")
    context: int = setting(
        128,
        "tokens of a window; the model predicts the token after each of them",
        unit="tokens",
        step="double",
        ge=1,
        le=1_000_000,
    )
    validation_fraction: float = setting(
        0.1, "fraction of the text, before the test part, for validation; 0 for none", empty="no part", ge=0, lt=0.5
    )
    test_fraction: float = setting(
        0.1, "fraction of the text, at its end, for the test; 0 for none", empty="no part", ge=0, lt=0.5
    )

    @property
    def brings_test(self) -> bool | None:
        return True

    @property
    def is_one_text(self) -> bool:
        return True

    @property
    def predicts(self) -> TaskKind | None:
        return "language_modeling"

    def windows(self) -> Windows:
        """How the text is cut."""
        from workbench.data.continued_text import Windows

        return Windows(self.context, self.validation_fraction, self.test_fraction)

    def build(self, report: Report) -> Samples:
        return self.read(self.make_tokens(lowercase=False), self.windows(), report)

    def read(self, tokens: Tokens, windows: Windows, report: Report) -> Samples:
        """Reads the text, and cuts it into windows of tokens. Raises as `build`."""
        raise NotImplementedError


class Topics(LongText):
    """One long text of 0.5 to 0.7 MB, in English: that of Python's own help(); bundled with Python."""

    name: Literal["topics"] = "topics"

    def read(self, tokens: Tokens, windows: Windows, report: Report) -> Samples:
        from workbench.data.topics import topics

        return topics(tokens, windows)


class TextFile(LongText, TextFiles):
    """Your text, from one or many files, for a language model that predicts every next token."""

    name: Literal["text_file"] = "text_file"
    file: PathText = setting(..., "the file; or a folder of .txt files; or a pattern such as books/*.txt")

    def read(self, tokens: Tokens, windows: Windows, report: Report) -> Samples:
        from workbench.data.text_file import text_file

        return text_file(Path(self.file), self.encoding, tokens, windows, report)
