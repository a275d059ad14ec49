"""Everybody who acts in a stand-in of AWS: owner, production, intruder. Only for 127.0.0.1.

python cast ENDPOINT ACCOUNT KEY SECRET        the key is the owner's
Reads one JSON object of a line, {"do": NAME, ...}, and answers with one: {"ok": ...} or {"error": ...}.
"""

import json
import sys
import time
import traceback

from botocore.exceptions import ClientError

import host
import intruder
import machines
import owner
import seen
from calls import HOME, act, client, deliver


def call(wanted):
    """One call of an actor: its answer, or its refusal's code and message."""
    parameters, region = wanted.get("with", {}), wanted.get("region", HOME)
    # Seconds from the moment itself; without, it happened some minutes ago.
    when = int(time.time()) + wanted["ahead"] if "ahead" in wanted else None
    try:
        answer = act(wanted["as"], wanted["service"], wanted["call"], region, when, **parameters)
    except ClientError as error:
        return {"code": error.response["Error"]["Code"], "message": error.response["Error"].get("Message", "")}
    return {"code": "OK", "answer": json.loads(json.dumps(answer, default=str))}


def tries(wanted):
    """What the next call of each actor comes to: OK or the code of its refusal."""
    codes = {}
    for name in wanted["as"]:
        try:
            client("iam", HOME, name).list_users()
            codes[name] = "OK"
        except ClientError as error:
            codes[name] = error.response["Error"]["Code"]
    return codes


COMMANDS = {
    "prepare": owner.prepare,
    "usual": owner.usual,
    "attack": intruder.attack,
    "doors": intruder.doors,
    "assume": intruder.assume,
    "second_key": intruder.second_key,
    "machines": machines.machines,
    "computing": machines.computing,
    "own_key": owner.own_key,
    "deliver": deliver,
    "call": call,
    "tries": tries,
    "invoke": seen.invoke,
    "production": owner.production,
    "fight": intruder.fight,
    "stop": owner.stop,
    "dump": seen.dump,
    "restore": seen.restore,
    "frozen": seen.frozen,
    "deploy": host.deploy,
    "notify": host.notify,
    "hosted": host.hosted,
}

for line in sys.stdin:
    asked = json.loads(line)
    try:
        told = {"ok": COMMANDS[asked["do"]](asked)}
    except Exception:  # Whatever it is, the test has to see it.
        told = {"error": traceback.format_exc()}
    print(json.dumps(told, default=str), flush=True)
