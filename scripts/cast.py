# SPDX-License-Identifier: MIT
"""Draw what a command shows on a terminal, line after line, as an SVG picture.

    cast.py OUT.svg SHOWN COLUMNS LINES COMMAND...

SHOWN is the command as the picture has it. At most LINES lines of its output are drawn.
"""
import html
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl

WIDTH, HEIGHT, TOP = 7.25, 17, 42  # of a character; of what is above the first line
STEP_S = 0.18  # between two lines
COLORS = {"1": "font-weight='bold'", "2": "fill='#7d8590'", "31": "fill='#ff7b72'"}
STYLE = ("text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#e6edf3;"
         "white-space:pre}g{animation:a .01s both}@keyframes a{from{opacity:0}to{opacity:1}}"
         "@media(prefers-reduced-motion){g{animation:none}}")


def output_of(argv, columns):
    """What it writes to a terminal so wide."""
    leader, follower = pty.openpty()
    ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm"}
    env.pop("NO_COLOR", None)
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=follower, env=env) as process:
        os.close(follower)
        parts = []
        try:
            while True:
                parts.append(os.read(leader, 65536))
        except OSError:  # nobody holds the other end any more
            pass
    if process.returncode:
        sys.exit("%s ended with status %d" % (argv[0], process.returncode))
    return b"".join(parts).decode("utf-8", "replace").replace("\r\n", "\n")


def spans(line):
    """A line with its colours as elements."""
    drawn, style = [], ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        color = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if color:
            style = COLORS.get(color[1], "")
        elif part:
            drawn.append("<tspan %s>%s</tspan>" % (style, html.escape(part)))
    return "".join(drawn)


def picture(shown, lines, columns):
    """The text of the picture."""
    width, height = columns * WIDTH + 32, TOP + (len(lines) + 1) * HEIGHT + 12
    out = ["<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' role='img'>" %
           (width, height), "<title>%s</title><style>%s</style>" % (html.escape(shown), STYLE),
           "<rect width='100%' height='100%' rx='8' fill='#0d1117'/>"]
    out += ["<circle cx='%d' cy='16' r='5' fill='%s'/>" % (20 + 18 * i, color)
            for i, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))]
    for i, line in enumerate(["\x1b[1m$ %s\x1b[0m" % shown, *lines]):
        out.append("<g style='animation-delay:%.2fs'><text x='16' y='%d'>%s</text></g>" %
                   (0.8 * (i > 0) + i * STEP_S, TOP + i * HEIGHT, spans(line)))
    return "\n".join([*out, "</svg>", ""])


def main():
    """The command line is as above."""
    out, shown, columns, most, *argv = sys.argv[1:]
    lines = output_of(argv, int(columns)).splitlines()[:int(most)]
    with open(out, "w", encoding="utf-8") as file:
        file.write(picture(shown, lines, int(columns)))


if __name__ == "__main__":
    main()
