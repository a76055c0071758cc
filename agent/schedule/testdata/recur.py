"""Answers recurrence questions with python3-dateutil, one JSON object a line: {"rule", "start", "until", "most"} -> [dates].

Where dateutil leaves RFC 5545, the question is put to it in another way:
- BYDAY that mixes plain and numbered days is their union in the RFC; dateutil takes the intersection. Both are asked, and joined.
- BYSETPOS of a WEEKLY rule counts within the whole week in the RFC; dateutil counts from DTSTART in the first week. It is
  asked from that week's first day, and what lies before the start is left out.
COUNT is applied here, after that.
"""
import datetime
import heapq
import json
import sys

from dateutil.rrule import rrulestr

datetime.MAXYEAR = 2050  # where dateutil gives a rule up: it looks at UNTIL only when it has found a day

WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def dates(rule, start, until):
    parts = dict(p.split("=") for p in rule.split(";"))
    count = int(parts.pop("COUNT", 0))
    if "UNTIL" in parts:
        until = min(until, datetime.datetime.strptime(parts.pop("UNTIL"), "%Y%m%d"))
    begin = start
    if parts["FREQ"] == "WEEKLY" and "BYSETPOS" in parts:
        begin -= datetime.timedelta((start.weekday() - WEEKDAYS.index(parts.get("WKST", "MO"))) % 7)
        parts.setdefault("BYDAY", WEEKDAYS[start.weekday()])
    days = parts.pop("BYDAY", "").split(",")
    plain = [d for d in days if len(d) == 2]
    numbered = [d for d in days if len(d) > 2]
    text = ";".join(f"{k}={v}" for k, v in parts.items())
    rules = [text + ";BYDAY=" + ",".join(d) for d in (plain, numbered) if d] or [text]
    last, n = None, 0
    for d in heapq.merge(*[rrulestr(r, dtstart=begin).replace(until=until) for r in rules]):
        if d < start or d == last:
            continue
        yield d
        last, n = d, n + 1
        if n == count:
            return


for line in sys.stdin:
    q = json.loads(line)
    out = []
    for d in dates(q["rule"], datetime.datetime.fromisoformat(q["start"]), datetime.datetime.fromisoformat(q["until"])):
        out.append(d.strftime("%Y-%m-%d"))
        if len(out) == q["most"]:
            break
    print(json.dumps(out))
