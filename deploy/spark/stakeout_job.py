#!/usr/bin/env python3
"""Judges the CloudTrail history of an organisation on Spark: what `stakeout replay` prints, from many machines.

  spark-submit stakeout_job.py --binary stakeout --work s3://results/work --out s3://results/history \
    --logs s3://logs/AWSLogs/

Four steps. The objects are listed, account by account. They are cut into tasks of about the same size, in which what belongs to
an account and a day is together. Each task runs `stakeout map` and leaves a part in the work folder. Judges, each of which has
a share of the accounts, run `stakeout reduce` over the parts, and a last one puts together what they found.

OUT gets `results.ndjson`, byte for byte what `replay` prints, and the tables `findings` and `incidents` as Parquet.

A part is named by what it is made of, and it appears whole or not at all. A task that runs twice, because a machine was lost or
because Spark thought it slow, leaves the same part. A job that is submitted again takes the parts that are there.

Needs Python 3.9, and boto3 where a path is one of S3. README.md beside this file says how to submit it.
"""

from __future__ import annotations

import argparse
import bisect
import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Optional, Union

from pyspark import SparkFiles, StorageLevel, TaskContext
from pyspark.sql import SparkSession
from pyspark.sql.functions import from_json, get_json_object
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DoubleType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

MIB = 1 << 20
# A task reads at most so many packed bytes, so that a lost one costs little and there are not too many parts.
LARGEST_TASK = 1024 * MIB
# Where there is little to read, so many tasks for each core keep all of them busy to the end.
TASKS_PER_CORE = 4
SMALLEST_TASK = 8 * MIB
# Every judge looks into every part, so that more of them are dear and hardly quicker.
MOST_JUDGES = 128
# What `map` and `reduce` mean by their exit status: see their --help. 3 and map's 1 say that part of the input was not read.
MAP_DONE, REDUCE_DONE = {0, 1}, {0, 1, 3}
# Of Linux: the signal that a process gets when its parent ends.
PR_SET_PDEATHSIG = 1

# Folders of the layout: those that hold the folders of accounts, and that of an account. Elsewhere twelve digits mean nothing.
ABOVE_ACCOUNTS = re.compile(r"s3://(?:.*/)?AWSLogs/(?:o-[a-z0-9]+/)?")
ACCOUNT = re.compile(ABOVE_ACCOUNTS.pattern + r"(\d{12})/")
# 111122223333_CloudTrail_us-east-1_20260901T0005Z_a1b2c3.json.gz
DELIVERY = re.compile(r"(\d{12})_CloudTrail_[^/]*_(\d{8})T\d{4}Z_[^/]*$")


class Item(NamedTuple):
    """An object to read: a path of a file or of S3, and its packed size in bytes."""

    path: str
    size: int


class Position(NamedTuple):
    """Where an object stands in the order in which objects are cut into tasks."""

    account: str
    day: str
    # Spreads the objects of one account and day, of which there may be more than one task can read.
    spread: float


class Listing(NamedTuple):
    """What one task lists: everything below a path, or only what lies directly in it."""

    path: str
    below: bool


class Ran(NamedTuple):
    """A run of the program that did what it was asked for."""

    made: str
    status: int
    said: str


@dataclass(frozen=True)
class Job:
    """What a task has to know."""

    binary: str
    work: str
    # Options of `map` alone, and of both `map` and `reduce`.
    reading: list[str]
    rules: list[str]
    # Small files that options name, as they are on the driver: sent along, since other machines do not have them.
    sent: dict[str, bytes] = field(default_factory=dict)
    accounts: frozenset[str] = frozenset()
    first_day: str = ""
    last_day: str = ""
    # Names the job by all it depends on but the logs themselves.
    digest: str = ""


# --- Objects ------------------------------------------------------------------------------------------------------------------


def is_s3(path: str) -> bool:
    return path.startswith("s3://")


def s3() -> Any:
    """A client of S3. Tasks make their own: a client cannot be sent to another machine."""
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(retries={"mode": "adaptive", "max_attempts": 10}))


def bucket_and_key(path: str) -> tuple[str, str]:
    bucket, _, key = path[len("s3://") :].partition("/")
    return bucket, key


def pages(path: str, **more: str) -> Iterator[Any]:
    bucket, prefix = bucket_and_key(path)
    yield from s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **more)


def folders(path: str) -> list[str]:
    """The folders directly below a folder of S3."""
    bucket, _ = bucket_and_key(path)
    return [f"s3://{bucket}/{it['Prefix']}" for page in pages(path, Delimiter="/") for it in page.get("CommonPrefixes", [])]


def listings(path: str, accounts: frozenset[str]) -> list[Listing]:
    """Cuts a path into pieces that are listed side by side: in the layout of an organisation, one for each account."""
    if not is_s3(path) or not path.endswith("/") or ACCOUNT.fullmatch(path):
        return [Listing(path, below=True)]
    found = [Listing(path, below=False)]
    for folder in folders(path):
        account = ACCOUNT.fullmatch(folder)
        if ABOVE_ACCOUNTS.fullmatch(folder):
            found += listings(folder, accounts)
        elif not account or not accounts or account.group(1) in accounts:
            found.append(Listing(folder, below=True))
    return found


def listed(listing: Listing, job: Job) -> Iterator[Item]:
    """The objects of a listing."""
    if not is_s3(listing.path):
        return local_files(listing.path)
    if not listing.below:
        return keys(listing.path, Delimiter="/")
    if ACCOUNT.fullmatch(listing.path):
        return account_keys(listing.path, job)
    return keys(listing.path)


def keys(path: str, last: str = "", **more: str) -> Iterator[Item]:
    """Objects of S3 below a path, up to those whose key begins with `last` or less."""
    bucket, _ = bucket_and_key(path)
    for page in pages(path, **more):
        for found in page.get("Contents", []):
            key = found["Key"]
            if last and key[: len(last)] > last:
                return
            if not key.endswith("/"):
                yield Item(f"s3://{bucket}/{key}", found["Size"])


def account_keys(path: str, job: Job) -> Iterator[Item]:
    """CloudTrail's objects of an account. Days that are not wanted are not listed: keys are in order of their days."""
    for region in folders(f"{path}CloudTrail/"):
        _, prefix = bucket_and_key(region)
        after = {"StartAfter": prefix + job.first_day} if job.first_day else {}
        yield from keys(region, prefix + job.last_day if job.last_day else "", **after)


def local_files(top: str) -> Iterator[Item]:
    """Files below a folder, as `stakeout` finds them: hidden ones are left out, and each folder is entered once. What cannot be
    looked at is passed on, so that `stakeout` says why it is not read."""
    entered: set[str] = set()
    due = [top]
    links: list[str] = []
    while due or links:
        path = due.pop() if due else links.pop()
        try:
            if not os.path.isdir(path):
                yield Item(path, os.stat(path).st_size)
                continue
            real = os.path.realpath(path)
            entries = [] if real in entered else sorted(os.scandir(path), key=lambda entry: entry.name, reverse=True)
            entered.add(real)
        except OSError:
            yield Item(path, 0)
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                mode = os.stat(entry.path).st_mode
            except OSError:
                yield Item(entry.path, 0)
                continue
            if stat.S_ISDIR(mode):
                (links if entry.is_symlink() else due).append(entry.path)
            elif stat.S_ISREG(mode):
                yield Item(entry.path, os.stat(entry.path).st_size)


# --- Tasks --------------------------------------------------------------------------------------------------------------------


def position(item: Item) -> Position:
    told = DELIVERY.search(item.path)
    account, day = told.groups() if told else ("", "")
    return Position(account, day, zlib.crc32(os.fsencode(item.path)) / (1 << 32))


def cut(cells: Iterable[tuple[tuple[str, ...], int]], limit: int) -> list[Position]:
    """Where tasks begin, for the bytes of each account and day. Neighbours share a task as long as they fit; what does not fit
    into one is spread over several of its own."""
    begins: list[Position] = []
    room = 0
    for (account, day), size in sorted(cells):
        if begins and size <= room:
            room -= size
            continue
        pieces = max(1, -(-size // limit))
        begins += [Position(account, day, piece / pieces) for piece in range(pieces)]
        room = limit - size if pieces == 1 else 0
    return begins


def task_of(item: Item, begins: list[Position]) -> int:
    return max(bisect.bisect_right(begins, position(item)) - 1, 0)


# --- The program --------------------------------------------------------------------------------------------------------------


def program(job: Job) -> str:
    """Where the binary is on this machine. Spark has brought it here, and made it executable."""
    return SparkFiles.get(os.path.basename(job.binary)) if "/" in job.binary else job.binary


def ending_together() -> Optional[Callable[[], Any]]:
    """Lets Linux kill a process that is started when the one that starts it is killed. A worker of Spark that is given up would
    else leave the program behind, which writes its part at any time after."""
    ends = getattr(ctypes.CDLL(None), "prctl", None)
    parent = os.getpid()

    def with_its_parent() -> None:
        if ends:
            ends(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGKILL)

    return with_its_parent if ends else None


def stakeout(job: Job, arguments: list[str], made: str, fine: set[int], stdin: str = "") -> Ran:
    """Runs the program with the options of the job, to make a file.

    Raises RuntimeError with what the program said, where it could not do it."""
    with tempfile.TemporaryDirectory(prefix="stakeout-") as folder:
        for name, content in job.sent.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        if not is_s3(made):
            os.makedirs(os.path.dirname(made), exist_ok=True)
        rules = [option.replace("{sent}", folder) for option in job.rules]
        command = [program(job), *arguments, *rules, "--output", made]
        ran = subprocess.run(
            command,
            input=os.fsencode(stdin),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            preexec_fn=ending_together(),
        )
    said = ran.stderr.decode(errors="replace").strip()
    if ran.returncode not in fine:
        raise RuntimeError(f"stakeout {arguments[0]} ended with {ran.returncode} and made no {made}: {said[-4000:]}")
    return Ran(made, ran.returncode, said[-4000:])


def map_task(job: Job, items: list[Item], threads: int) -> Ran:
    """Makes the part of a task. Its name follows from what it is made of, so that a second attempt makes the same."""
    items = sorted(set(items))
    what = hashlib.sha256(job.digest.encode())
    for item in items:
        what.update(os.fsencode(f"{item.path}\0{item.size}\0"))
    part = f"{job.work}/parts/{what.hexdigest()[:32]}.part"
    if exists(part):
        return Ran(part, 0, "")
    # A path may have any character but this.
    paths = "".join(f"{item.path}\0" for item in items)
    arguments = ["map", "--quiet", "--from", "-", "--threads", str(threads), *job.reading]
    return stakeout(job, arguments, part, MAP_DONE, stdin=paths)


def judge_task(job: Job, share: int, shares: int) -> Ran:
    """Judges a share of the accounts."""
    arguments = ["reduce", "--quiet", f"{job.work}/parts/", "--share", f"{share}/{shares}"]
    return stakeout(job, arguments, f"{job.work}/judged/{share}-of-{shares}.part", REDUCE_DONE)


# --- Places -------------------------------------------------------------------------------------------------------------------


def exists(path: str) -> bool:
    if not is_s3(path):
        return os.path.exists(path)
    bucket, key = bucket_and_key(path)
    found = s3().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    return any(it["Key"] == key for it in found.get("Contents", []))


def remove(folder: str, keep: frozenset[str] = frozenset()) -> None:
    """Removes what is below a folder of the job, but for some of it."""
    if not is_s3(folder):
        for item in list(local_files(folder)) if os.path.isdir(folder) else []:
            if item.path not in keep:
                os.remove(item.path)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        return
    bucket, _ = bucket_and_key(folder)
    for page in pages(f"{folder}/"):
        gone = [{"Key": it["Key"]} for it in page.get("Contents", []) if f"s3://{bucket}/{it['Key']}" not in keep]
        if gone:
            s3().delete_objects(Bucket=bucket, Delete={"Objects": gone, "Quiet": True})


# --- Tables -------------------------------------------------------------------------------------------------------------------


def table(**columns: Union[DataType, str]) -> StructType:
    return StructType([StructField(name, TYPES[it] if isinstance(it, str) else it) for name, it in columns.items()])


TYPES: dict[str, DataType] = {
    "text": StringType(),
    "texts": ArrayType(StringType()),
    "time": TimestampType(),
    "flag": BooleanType(),
    "number": DoubleType(),
}
# docs/output.md says what the columns mean.
COST = table(
    usage_date="text", account="text", service="text", region="text", usage_type="text", amount="number", expected="number",
    currency="text",
)  # fmt: skip
FINDING = table(
    id="text", detector="text", title="text", level="text", notice="flag", time="time", account="text", region="text",
    principal="text", credential="text", source_ip="text", event_ids="texts", attack="texts", reasons="texts", incident="text",
    cost=COST,
)  # fmt: skip
ROOT = table(principal="text", credential="text", confidence="text")
RESOURCE = table(arn="text", type="text", region="text", action="text", exists="flag")
INCIDENT = table(
    id="text", title="text", level="text", status="text", accounts="texts", opened_at="time", first_event="time",
    last_event="time", root=ROOT, principals="texts", credentials="texts", resources=ArrayType(RESOURCE), regions="texts",
    source_ips="texts", attack="texts", findings="texts", merged_into="text", burn_usd_per_hour="number", narrative="texts",
)  # fmt: skip


def write_tables(spark: SparkSession, results: str, out: str) -> None:
    """Writes findings and incidents as Parquet. A line that does not fit the schema ends the job."""
    lines = spark.read.text(results).withColumn("kind", get_json_object("value", "$.kind"))
    for kind, columns in [("finding", FINDING), ("incident", INCIDENT)]:
        rows = lines.where(lines.kind == kind).select(from_json("value", columns, {"mode": "FAILFAST"}).alias("row"))
        rows.select("row.*").write.mode("overwrite").parquet(f"{out}/{kind}s")


# --- The job ------------------------------------------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], allow_abbrev=False)
    add = parser.add_argument
    add("--logs", action="append", default=[], metavar="PATH", help="a folder of logs, or s3://bucket/prefix/; may be repeated")
    add("--work", required=True, metavar="DIR", help="a folder that all machines share, or s3://bucket/prefix, for the parts")
    add("--out", required=True, metavar="DIR", help="where the results go")
    add("--binary", default="stakeout", metavar="FILE", help="a path or a URL that Spark can read; without a slash, a command")
    add("--accounts", default="", metavar="ID,ID", help="only these accounts")
    add("--start", metavar="TIME", help="judge events from this time on; earlier ones are history only (RFC 3339)")
    add("--end", metavar="TIME", help="leave out events from this time on (RFC 3339)")
    add("--history", default="90d", metavar="DAYS", help="with --start, read so many days before it [default: 90d]")
    add("--rules", action="append", default=[], metavar="DIR", help="a folder of Sigma rules on the driver")
    add("--prices", metavar="FILE", help="prices to estimate by, on the driver")
    add("--cost", action="append", default=[], metavar="PATH", help="bills, where every machine can read them; one judge then")
    add("--judges", type=int, metavar="N", help="shares of the accounts, side by side [default: as many as cores, at most 128]")
    add("--task-mib", type=float, metavar="MIB", help="packed bytes of a task [default: by the input, at most 1024]")
    add("--keep-work", action="store_true", help="leave the parts in the work folder")
    # Glue gives a script options of its own besides.
    options = parser.parse_known_args()[0] if "--JOB_NAME" in sys.argv else parser.parse_args()
    if not options.logs and not options.cost:
        parser.error("--logs is missing")
    return options


def day(text: Optional[str], days: int) -> str:
    """A day of the layout, so many days after a time; empty where there is none."""
    if not text:
        return ""
    time = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    return f"{time + timedelta(days=days):%Y/%m/%d}"


def sent_files(options: argparse.Namespace) -> tuple[list[str], dict[str, bytes]]:
    """Options that name small files on the driver, and those files."""
    flags, files = [], {}
    for number, top in enumerate(options.rules):
        flags += ["--rules", f"{{sent}}/rules-{number}"]
        for item in local_files(top):
            with open(item.path, "rb") as file:
                files[f"rules-{number}/{os.path.relpath(item.path, top)}"] = file.read()
    if options.prices:
        flags += ["--prices", f"{{sent}}/{os.path.basename(options.prices)}"]
        with open(options.prices, "rb") as file:
            files[os.path.basename(options.prices)] = file.read()
    return flags, files


def prepare(spark: SparkSession, options: argparse.Namespace) -> Job:
    """What tasks have to know. Sends the binary to every machine."""
    if "/" in options.binary:
        here = options.binary if "://" in options.binary else os.path.abspath(options.binary)
        spark.sparkContext.addFile(here)
    reading = []
    for name in ["accounts", "start", "end", "history"]:
        if getattr(options, name):
            reading += [f"--{name}", getattr(options, name)]
    history = re.fullmatch(r"(\d+)d", options.history)
    rules, sent = sent_files(options)
    job = Job(
        options.binary,
        options.work,
        reading,
        rules,
        sent,
        frozenset(filter(None, options.accounts.split(","))),
        # A day more on both sides: what is read exactly, `stakeout` decides.
        day(options.start, -int(history.group(1)) - 1) if history else "",
        day(options.end, 2),
    )
    digest = hashlib.sha256(json.dumps([options.logs, options.cost, reading, rules]).encode())
    for name, content in sorted(sent.items()):
        digest.update(name.encode() + content)
    where = shutil.which(program(job)) or program(job)
    with open(where, "rb") as file:
        for block in iter(lambda: file.read(MIB), b""):
            digest.update(block)
    work = f"{options.work.rstrip('/')}/stakeout-{digest.hexdigest()[:16]}"
    return Job(**{**vars(job), "work": work, "digest": digest.hexdigest()})


def map_all(spark: SparkSession, job: Job, options: argparse.Namespace) -> list[Ran]:
    """Lists, cuts and maps. Gives the parts."""
    context = spark.sparkContext
    pieces = [it for path in options.logs for it in listings(path, job.accounts)]
    items = context.parallelize(pieces, max(len(pieces), 1)).flatMap(lambda piece: listed(piece, job))
    items.persist(StorageLevel.DISK_ONLY)
    sizes = items.map(lambda item: (tuple(position(item)[:2]), item.size)).reduceByKey(lambda one, other: one + other).collect()
    total = sum(size for _, size in sizes)
    cores = context.defaultParallelism
    usual = max(min(total // (cores * TASKS_PER_CORE), LARGEST_TASK), SMALLEST_TASK)
    begins = cut(sizes, max(int(options.task_mib * MIB), 1) if options.task_mib else usual)
    print(f"{total / MIB:.0f} MiB in {len(begins)} tasks", file=sys.stderr)
    if not begins:
        return []
    tasks = items.map(lambda item: (task_of(item, begins), item)).partitionBy(len(begins), int)

    def run(of_task: Iterable[tuple[int, Item]]) -> Iterable[Ran]:
        mine = [item for _, item in of_task]
        task = TaskContext.get()
        if mine:
            yield map_task(job, mine, task.cpus() if task else 1)

    return tasks.mapPartitions(run).collect()


def judge_all(spark: SparkSession, job: Job, shares: int) -> list[Ran]:
    numbers = spark.sparkContext.parallelize(range(1, shares + 1), shares)
    return numbers.map(lambda share: judge_task(job, share, shares)).collect()


def main() -> int:
    options = arguments()
    for name in ["work", "out"]:
        path = getattr(options, name).rstrip("/")
        setattr(options, name, path if is_s3(path) else os.path.abspath(path))
    for name in ["logs", "cost"]:
        setattr(options, name, [path if is_s3(path) else os.path.abspath(path) for path in getattr(options, name)])
    missing = [path for path in options.logs if not is_s3(path) and not os.path.exists(path)]
    if missing:
        print(f"{missing[0]}: no such file or directory", file=sys.stderr)
        return 2
    spark = SparkSession.builder.appName("stakeout").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    job = prepare(spark, options)
    ran = map_all(spark, job, options)
    if options.cost or not ran:
        costs = [it for path in options.cost for it in ["--cost", path]]
        # Where there is neither a bill nor an object, an empty list is what it reads.
        of_bills = ["map", "--quiet", "--from", "-", *costs, *job.reading]
        ran.append(stakeout(job, of_bills, f"{job.work}/parts/cost.part", MAP_DONE))
    # An attempt that was given up, and that had listed other objects, may have left a part that is not one of these.
    remove(f"{job.work}/parts", frozenset(it.made for it in ran))
    shares = 1 if options.cost else options.judges or min(spark.sparkContext.defaultParallelism, MOST_JUDGES)
    of = "parts"
    if shares > 1:
        ran += judge_all(spark, job, shares)
        of = "judged"
    results = f"{options.out}/results.ndjson"
    last = ["reduce", f"{job.work}/{of}/", "--format", "ndjson"]
    ran.append(stakeout(job, last, results, REDUCE_DONE))
    write_tables(spark, results, options.out)
    for said in sorted({it.said for it in ran if it.said}):
        print(said, file=sys.stderr)
    if not options.keep_work:
        remove(job.work)
    status = ran[-1].status
    print(json.dumps({"results": results, "parts": sum("/parts/" in it.made for it in ran), "status": status}))
    return 0


if __name__ == "__main__":
    # Some engines take any SystemExit for a failure.
    failed = main()
    if failed:
        sys.exit(failed)
