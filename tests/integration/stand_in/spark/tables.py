"""Compares the tables that the job wrote with the lines that it wrote: tables.py RESULTS FOLDER"""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import struct, to_json

FORMAT = {"ignoreNullFields": "false", "timestampFormat": "yyyy-MM-dd'T'HH:mm:ssXXX"}

results, folder = sys.argv[1:]
spark = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
with open(results, encoding="utf-8") as file:
    lines = [json.loads(line) for line in file]
for kind in ["finding", "incident"]:
    want = {line["id"]: line for line in lines if line["kind"] == kind}
    table = spark.read.parquet(f"{folder}/{kind}s")
    rows = [json.loads(row[0]) for row in table.select(to_json(struct("*"), FORMAT)).collect()]
    assert len(rows) == len(want) > 0, (kind, len(rows), len(want))
    for row in rows:
        # The lines leave out a cost that is not there, and a table has a column for it.
        line = {"cost": None, **want[row["id"]]} if kind == "finding" else want[row["id"]]
        assert {"kind": kind, **row} == line, (row, line)
    print(kind, len(rows))
