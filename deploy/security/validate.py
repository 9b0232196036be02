"""Reads an environment as the account has it and judges it. Called by validate-security.sh, which checks its arguments.

usage: validate.py ENV REGION JSON VIEWER-PROFILE PRODUCER-PROFILE
"""
import json
import sys
from collections import Counter

import network
import storage
import tried
import watch
from account import Account, BotoCoreError, ClientError


def main():
    environment, region, as_json, viewer, producer = sys.argv[1:]
    account = Account(environment, region)
    if not account.deployed:
        print(f"validate-security: expected the stack {account.stack} in {region}, found none", file=sys.stderr)
        return 2
    found = [one for part in (storage, network, watch) for one in part.controls(account)]
    found += tried.controls(account, {"viewer": viewer, "producer": producer})
    count = Counter(one.verdict for one in found)
    if as_json:
        print(json.dumps({
            "environment": environment, "account": account.id, "region": region,
            "counts": {verdict: count[verdict] for verdict in ("ok", "fail", "skip")},
            "findings": [one._asdict() for one in found],
        }, indent=1))
    else:
        for one in found:
            print(f"{one.verdict:4}  {one.control:26} {one.resource}: {one.found}")
    print(f"validate-security: {count['ok']} ok, {count['fail']} fail, {count['skip']} skipped (deployed or called without)", file=sys.stderr)
    return 3 if count["fail"] else 0


try:
    sys.exit(main())
except (ClientError, BotoCoreError) as error:
    print(f"validate-security: AWS did not answer what the controls need: {error}", file=sys.stderr)
    sys.exit(1)
