"""How a script turns texts into ids: its tokens, its vocabulary, their length, and batches of similar length."""

from __future__ import annotations

from workbench.errors import UsageError
from workbench.export.script.facts import Facts
from workbench.export.script.part import Part
from workbench.export.script.templates import fill
from workbench.settings.preset import Preset
from workbench.settings.text_data import LabelledTexts, LongText, TextData

TOKENS = r'''
def word_pattern() -> re.Pattern[str]:  #? words
    """Words of letters, digits, marks and apostrophes; any other sign is a token of its own."""  #? words
    codes = map(chr, range(sys.maxunicode + 1))  #? words
    marks = "".join(code for code in codes if unicodedata.category(code).startswith("M"))  #? words
    word, skins = rf"\w[\w{marks}]*", "\U0001f3fb-\U0001f3ff"  #? words
    sign = rf"[^\w\s][{marks}{skins}]*(?:\u200d[\w\W][{marks}{skins}]*)*"  #? words
    return re.compile(rf"{word}(?:['’]{word})*|[\U0001f1e6-\U0001f1ff]{{2}}|{sign}")  #? words
  #? words
  #? words
WORD = word_pattern()  #? words
  #? words
  #? words
def tokens_of(text: str) -> list[str]:  #? words
    """The words and signs of a text."""  #? words
def tokens_of(text: str) -> str:  #? characters
    """The characters of a text."""  #? characters
def tokens_of(text: str) -> list[int]:  #? bytes
    """The bytes of a text."""  #? bytes
    text = text.lower()  #? lowercase
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # without halves of characters
    return WORD.findall(unicodedata.normalize("NFC", text))  #? words
    return unicodedata.normalize("NFC", text)  #? characters
    return list(text.encode())  #? bytes
'''

VOCABULARY = '''
def fit_vocabulary(texts: Iterable[str]) -> dict[str, int]:
    """The ids of the most frequent tokens; 0 is padding, and 1 any other token."""
    counts = Counter(token for text in texts for token in tokens_of(text))
    known = [token for token, count in counts.items() if count >= MIN_COUNT]  #? min_count
    known = sorted(known, key=lambda token: (-counts[token], token))  #? min_count
    known = sorted(counts, key=lambda token: (-counts[token], token))  #? !min_count
    return {token: number for number, token in enumerate(known[: VOCABULARY - 2], 2)}
'''

ENCODE = '''
def encode(texts: Iterable[str], $arguments) -> Tensor:
    """The ids of each text (n, length), cut at the end or padded with 0."""
    ids = torch.zeros(len(texts), length, dtype=torch.int64)
    for row, text in zip(ids, texts, strict=True):
        found = $ids[:length] or [1]
        row[: len(found)] = torch.tensor(found)
    return ids
'''

LENGTH = '''
def fit_length(texts: Iterable[str]) -> int:
    """$what."""
    lengths = [len(tokens_of(text)) for text in texts]
    return min(MAX_LENGTH, max(1, *lengths))  #? given
    covered = int(np.quantile(lengths, 0.95, method="inverted_cdf"))  #? !given
    return min(-(-max(covered, 1) // 8) * 8, 1024)  #? !given
'''

WIDTHS = '''
def fit_widths(ids: Tensor) -> tuple[Tensor, Tensor]:
    """A few widths to which batches of ids are cut, and for each text the smallest that holds it."""
    longest = ids.shape[1]
    lengths = ((ids != 0) * torch.arange(1, longest + 1)).amax(1)
    ordered = lengths.sort().values
    ends = [int(ordered[max(round(part * len(ids)), 1) - 1]) for part in (0.25, 0.5, 0.75, 0.9, 1.0)]
    widths = torch.tensor(sorted({min(-(-max(end, 1) // 8) * 8, longest) for end in ends} | {longest}))
    needed = torch.searchsorted(widths, lengths)
    if float(widths[needed].float().mean()) > 0.9 * longest:  # too little padding to be worth it
        return widths[-1:], torch.zeros_like(needed)
    return widths, needed


def by_length(order: Tensor, needed: Tensor, generator: torch.Generator) -> Tensor:  #? grouped
    """The same samples in batches of one width each, which come in random order."""  #? grouped
    batches, left = [], order[:0]  #? grouped
    for number in range(int(needed.max()) + 1):  #? grouped
        samples = torch.cat([left, order[needed[order] == number]])  #? grouped
        full = len(samples) - len(samples) % BATCH_SIZE  #? grouped
        batches += samples[:full].split(BATCH_SIZE) if full else []  #? grouped
        left = samples[full:]  #? grouped
    shuffled = [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]  #? grouped
    return torch.cat([*shuffled, left])  #? grouped
'''


def tokens_part(preset: Preset, facts: Facts) -> Part:
    """Functions that make ids; `use` of the part: the lines that encode `splits`, if those are texts still."""
    data = preset.data
    assert isinstance(data, TextData)
    if data.tokens == "bpe":
        raise UsageError('--to script cannot learn data.tokens = "bpe"; words, characters and bytes take a few lines')
    kinds = {kind: data.tokens == kind for kind in ("words", "characters", "bytes")}
    has_vocabulary = data.tokens != "bytes"
    lowercase = isinstance(data, LabelledTexts) and data.lowercase and kinds["words"]
    codes = [fill(TOKENS, kinds | {"lowercase": lowercase}).strip()]
    imports = ["import re", "import sys"] * kinds["words"] + ["import unicodedata"] * has_vocabulary
    settings: list[tuple[str, object]] = []
    if has_vocabulary:
        codes.append(fill(VOCABULARY, {"min_count": data.min_count > 1}))
        imports += ["from collections import Counter", "from collections.abc import Iterable"]
        settings += [("VOCABULARY", data.vocabulary)] + [("MIN_COUNT", data.min_count)] * (data.min_count > 1)
    if isinstance(data, LongText):
        return Part("\n\n\n".join(codes), tuple(imports), tuple(settings))
    assert isinstance(data, LabelledTexts)
    known, by_bytes = (
        "[vocabulary.get(token, 1) for token in tokens_of(text)]",
        "[2 + byte for byte in tokens_of(text)]",
    )
    arguments = "vocabulary: dict[str, int], length: int" if has_vocabulary else "length: int"
    codes.append(fill(ENCODE, arguments=arguments, ids=known if has_vocabulary else by_bytes))
    given = bool(data.max_length)
    what = "The tokens of the longest text, or MAX_LENGTH" if given else "A length that few training texts exceed"
    codes.append(fill(LENGTH, {"given": given}, what=what))
    imports += ["import numpy as np", "from collections.abc import Iterable"]
    settings += [("MAX_LENGTH", data.max_length)] * given
    if facts.cuts_padding:
        codes.append(fill(WIDTHS, {"grouped": facts.groups_by_length}))
    lines = ['vocabulary = fit_vocabulary(splits["train"][0])'] * has_vocabulary
    lines += ['length = fit_length(splits["train"][0])', "for name, (texts, targets) in splits.items():"]
    lines += [f"    splits[name] = (encode(texts, {'vocabulary, ' * has_vocabulary}length), targets)"]
    return Part("\n\n\n".join(codes), tuple(imports), tuple(settings), "\n".join(lines))
