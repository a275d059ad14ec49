"""Slack's own library and framework as judges: signatures, blocks, requests. Calls nobody.

Reads one JSON object of a line, {"do": NAME, ...}, and answers with one: {"ok": ...} or {"error": ...}.
"""

import json
import sys
import traceback

from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.signature import SignatureVerifier


def sign(asked):
    """The signature of each of some bodies."""
    signer = SignatureVerifier(asked["secret"])
    signed = [signer.generate_signature(timestamp=asked["timestamp"], body=body) for body in asked["bodies"]]
    assert all(signed)
    return signed


def walk(part):
    """An object of the library and all that is in it, checked from the outside to the inside."""
    part.validate_json()
    for value in vars(part).values():
        for inner in value if isinstance(value, (list, tuple)) else ():
            assert inner is not None, "the library knows no such thing in " + type(part).__name__
            if hasattr(inner, "validate_json"):
                walk(inner)
        if hasattr(value, "validate_json"):
            walk(value)


def validate(asked):
    """What the library says against blocks; it has to know all of them."""
    wrong = []
    for block in Block.parse_all(asked["blocks"]):
        try:
            assert block is not None, "the library knows no such block"
            walk(block)
        except (AssertionError, SlackObjectFormationError) as error:
            wrong.append(str(error))
    return wrong


def bolt(asked):
    """What an app of Slack's framework makes of a request: its status, and the button that it saw."""
    seen = {}
    result = AuthorizeResult(
        enterprise_id=None, team_id="T000000001", bot_token="xoxb-none", bot_id="B000000001", bot_user_id="U000000001"
    )
    app = App(signing_secret=asked["secret"], authorize=lambda **_: result, process_before_response=True)

    @app.action(asked["action"])
    def pressed(ack, body, action):
        ack()
        seen.update(user=body["user"]["id"], value=action["value"], response_url=body["response_url"])

    answer = app.dispatch(BoltRequest(body=asked["body"], headers=asked["headers"]))
    return {"status": answer.status, "seen": seen}


COMMANDS = {"sign": sign, "validate": validate, "bolt": bolt}

for line in sys.stdin:
    asked = json.loads(line)
    try:
        told = {"ok": COMMANDS[asked["do"]](asked)}
    except Exception:  # Whatever it is, the test has to see it.
        told = {"error": traceback.format_exc()}
    print(json.dumps(told), flush=True)
