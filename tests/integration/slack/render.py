"""Draws blocks of a Slack message as HTML that looks like Slack, to see how a message reads.

It is a rendering and not Slack: `render.py [--phone] < message.json > message.html`, where the input is a list of
blocks or an object with `blocks`. A picture of it:

    chromium --headless --no-sandbox --hide-scrollbars --window-size=700,1400 --screenshot=message.png message.html
"""

import argparse
import datetime
import html
import json
import re
import sys

STYLE = """
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #1d1c1d; font: 15px/22px Lato, "Noto Sans", "DejaVu Sans", Arial, sans-serif; }
.message { width: WIDTHpx; padding: 12px 20px 16px; display: flex; gap: 8px; }
.face { flex: none; width: 36px; height: 36px; border-radius: 6px; background: #7a1f2b; color: #fff; font-weight: 700;
        text-align: center; line-height: 36px; }
.content { flex: 1; min-width: 0; overflow-wrap: anywhere; }
.name { font-weight: 900; } .app { background: #e8e8e8; color: #616061; font-size: 10px; border-radius: 2px; padding: 1px 3px;
        margin: 0 4px; } .time { color: #616061; font-size: 12px; }
.header { font-size: 18px; line-height: 24px; font-weight: 900; margin: 8px 0 4px; }
.section { margin: 4px 0 8px; white-space: pre-wrap; }
.fields { display: grid; grid-template-columns: COLUMNS; gap: 6px 16px; margin: 4px 0 8px; }
.field { white-space: pre-wrap; }
.context { color: #616061; font-size: 13px; line-height: 18px; margin: 4px 0 8px; white-space: pre-wrap; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 4px 0 8px; }
.button { border: 1px solid #bbbabb; border-radius: 4px; font-weight: 700; padding: 4px 12px; }
.primary { background: #007a5a; border-color: #007a5a; color: #fff; }
.danger { background: #e01e5a; border-color: #e01e5a; color: #fff; }
code { font: 12px/1.5 "DejaVu Sans Mono", Menlo, monospace; color: #c01343; background: #f8f8f8; border: 1px solid #ddd;
       border-radius: 3px; padding: 2px 3px 1px; }
a { color: #1264a3; text-decoration: none; } .mention { background: #e8f5fa; color: #1264a3; border-radius: 3px; padding: 0 2px; }
hr { border: 0; border-top: 1px solid #ddd; margin: 12px 0; }
"""


def date(token):
    """`!date^SECONDS^FORMAT|FALLBACK`, as a reader in UTC sees it."""
    seconds, form, fallback = re.fullmatch(r"!date\^(-?\d+)\^([^|^]*)(?:\^[^|]*)?\|(.*)", token).groups()
    try:
        at = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return html.escape(fallback)
    words = {"{date_short_pretty}": f"{at:%b} {at.day}, {at.year}", "{time}": f"{at:%H:%M}"}
    for name, word in words.items():
        form = form.replace(name, word)
    return html.escape(form)


def token(text):
    """What stands between angle brackets."""
    text = html.unescape(text)
    if text.startswith("!date^"):
        return date(text)
    if text.startswith("@"):
        return f'<span class="mention">@{html.escape(text[1:])}</span>'
    if text.startswith("!") or text.startswith("#"):
        return f'<span class="mention">{html.escape(text)}</span>'
    address, _, label = text.partition("|")
    return f'<a href="{html.escape(address, quote=True)}">{html.escape(label or address)}</a>'


def mrkdwn(text):
    """Slack's markup as HTML: code first, then tokens, then bold, italic and struck."""
    parts = []
    for place, part in enumerate(text.split("`")):
        if place % 2:
            parts.append(f"<code>{html.escape(html.unescape(part))}</code>")
            continue
        kept = []

        def keep(match):
            kept.append(token(match.group(1)))
            return f"\x00{len(kept) - 1}\x00"

        part = html.escape(html.unescape(re.sub(r"<([^<>]+)>", keep, part)), quote=False)
        for sign, tag in (("*", "b"), ("_", "i"), ("~", "s")):
            edge = re.escape(sign)
            part = re.sub(rf"(?<![\w{edge}]){edge}(\S(?:[^{edge}\n]*\S)?){edge}(?![\w{edge}])", rf"<{tag}>\1</{tag}>", part)
        parts.append(re.sub("\x00(\\d+)\x00", lambda match: kept[int(match.group(1))], part))
    return "".join(parts)


def words(text):
    return mrkdwn(text["text"]) if text["type"] == "mrkdwn" else html.escape(html.unescape(text["text"]))


def button(element):
    style = html.escape(element.get("style", ""), quote=True)
    return f'<span class="button {style}">{words(element["text"])}</span>'


def block(one):
    kind = one["type"]
    if kind == "header":
        return f'<div class="header">{words(one["text"])}</div>'
    if kind == "section":
        text = f'<div class="section">{words(one["text"])}</div>' if one.get("text") else ""
        fields = "".join(f'<div class="field">{words(field)}</div>' for field in one.get("fields", []))
        return text + (f'<div class="fields">{fields}</div>' if fields else "")
    if kind == "context":
        return "".join(f'<div class="context">{words(element)}</div>' for element in one["elements"])
    if kind == "actions":
        return f'<div class="actions">{"".join(map(button, one["elements"]))}</div>'
    if kind == "divider":
        return "<hr>"
    raise SystemExit(f"a block of type {kind} cannot be drawn")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--phone", action="store_true", help="390 pixels wide instead of 700")
    is_phone = arguments.parse_args().phone
    message = json.load(sys.stdin)
    blocks = message["blocks"] if isinstance(message, dict) else message
    style = STYLE.replace("WIDTH", "390" if is_phone else "700").replace("COLUMNS", "1fr" if is_phone else "1fr 1fr")
    body = "".join(map(block, blocks))
    print(
        f'<!doctype html><meta charset="utf-8"><title>A rendering of a Slack message</title><style>{style}</style>'
        f'<div class="message"><div class="face">S</div><div class="content"><span class="name">Stakeout</span>'
        f'<span class="app">APP</span><span class="time">3:04 AM</span>{body}</div></div>'
    )


main()
