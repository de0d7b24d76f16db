"""The notification of the terminal itself: it comes through SSH, since the terminal is the user's own.

OSC 9 is known to iTerm2, kitty, WezTerm, Ghostty and Windows' ConEmu; OSC 777 to rxvt, foot and VTE. Some know both
and would show two notifications, so that one of them is sent. Terminals that know neither ignore it; the bell is known
to all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from workbench.alerts.alert import Alert
from workbench.printable import without_controls

Way = Literal["app", "off", "auto", "bell", "osc9", "osc777"]
MOST_CHARACTERS = 200
BELL, ESCAPE, END = "\a", "\x1b", "\x1b\\"
WITH_OSC_777 = ("foot", "rxvt")
"""How TERM begins for terminals that know OSC 777 and not OSC 9."""


def notification(alert: Alert, way: Way, environment: Mapping[str, str] | None = None) -> str:
    """What to write to the terminal: it moves no cursor and changes no text. Empty if the way is off.

    environment: that of the process, which names the terminal, and tmux or screen around it.
    """
    environment = os.environ if environment is None else environment
    if way == "off":
        return ""
    terminal = environment.get("TERM", "")
    if way in ("app", "auto"):
        way = _way_of(terminal, environment)
    # What a name contains must not end the sequence or begin another.
    title = without_controls(alert.title)[:MOST_CHARACTERS].replace(";", ",")
    text = without_controls(f"{alert.name}: {alert.text}")[:MOST_CHARACTERS]
    if way == "bell":
        return BELL
    sequence = f"{ESCAPE}]9;{title}, {text}{END}" if way == "osc9" else f"{ESCAPE}]777;notify;{title};{text}{END}"
    return BELL + through_multiplexer(sequence, environment)


def _way_of(terminal: str, environment: Mapping[str, str]) -> Way:
    if terminal in ("", "dumb", "linux"):
        return "bell"
    return "osc777" if terminal.startswith(WITH_OSC_777) or environment.get("VTE_VERSION") else "osc9"


def through_multiplexer(sequence: str, environment: Mapping[str, str] | None = None) -> str:
    """Wraps a sequence so that tmux (with allow-passthrough on) or screen hand it to the terminal.

    sequence: ends with ST. The bell needs none of this.
    """
    environment = os.environ if environment is None else environment
    if environment.get("TMUX"):
        return f"{ESCAPE}Ptmux;{sequence.replace(ESCAPE, ESCAPE * 2)}{END}"
    if environment.get("TERM", "").startswith("screen"):
        # Screen ends at the first ST, so that the sequence inside ends with a bell.
        return f"{ESCAPE}P{sequence.removesuffix(END)}{BELL}{END}"
    return sequence
