"""Gives the policies of deploy/stack to buckets and keys that exist. Called by apply-policies.sh, which checks its arguments.

usage: apply.py ENV REGION DRY-RUN YES READERS [bucket:AREA=NAME | key:PURPOSE=ARN]...
"""
import json
import sys

from account import AREAS, KEYS, Account, BotoCoreError, ClientError, Refusal, code_of
from templates import normal, shipped, statements

# AWS refuses longer ones.
BYTES_MAX = {"bucket": 20480, "key": 32768}


def say(text):
    print(f"apply-policies: {text}", file=sys.stderr)


def bucket_is_ours(account, name):
    try:
        account.call("s3", "head_bucket", Bucket=name, ExpectedBucketOwner=account.id)
        return True
    except ClientError as error:
        if code_of(error) in ("404", "NoSuchBucket"):
            return False
        raise Refusal(f"expected that the bucket {name} is of account {account.id} in {account.region}, found that AWS answers {code_of(error)}") from error


def find(account, named):
    """The buckets and keys to write, those named and those of the environment; and the keys that policies name."""
    buckets, keys = {}, {}
    for area in AREAS:
        given = named.get(("bucket", area))
        name = given or account.bucket(area)
        if bucket_is_ours(account, name):
            buckets[area] = name
        elif given:
            raise Refusal(f"expected the bucket {given}, found none")
    for purpose in KEYS:
        given = named.get(("key", purpose))
        if given:
            answer = account.optional("kms", "describe_key", "NotFoundException", KeyId=given)
            if not answer:
                raise Refusal(f"expected the key {given}, found none")
            keys[purpose] = answer["KeyMetadata"]["Arn"]
        elif arn := account.key(purpose):
            keys[purpose] = arn
    if not buckets and not keys:
        raise Refusal(f"found neither buckets nor keys of {account.environment}; name them with --bucket AREA=NAME and --key PURPOSE=ARN")
    for area in buckets:
        purpose = "platform" if area == "audit" else "media"
        if area != "logs" and purpose not in keys:
            raise Refusal(f"the policy of the bucket {buckets[area]} names a key; expected --key {purpose}=ARN")
    return buckets, keys


def read(account, kind, name):
    """The policy that is there as text, or nothing."""
    if kind == "bucket":
        answer = account.optional("s3", "get_bucket_policy", "NoSuchBucketPolicy", Bucket=name)
    else:
        answer = account.call("kms", "get_key_policy", KeyId=name, PolicyName="default")
    return answer and answer["Policy"]


def write(account, kind, name, text):
    if kind == "key":
        account.call("kms", "put_key_policy", KeyId=name, PolicyName="default", Policy=text)
    elif text is None:
        account.call("s3", "delete_bucket_policy", Bucket=name)
    else:
        account.call("s3", "put_bucket_policy", Bucket=name, Policy=text)


def merged(old, wanted):
    """The old policy with the wanted statements in place of those with the same Sid, and the lines that say so."""
    found = {one["Sid"]: one for one in statements(old) if "Sid" in one}
    ours = {one["Sid"]: one for one in statements(wanted)}
    lines = []
    for sid, statement in ours.items():
        if sid not in found:
            lines += [f"+ {sid}: {json.dumps(statement)}"]
        elif normal(found[sid]) != normal(statement):
            lines += [f"- {sid}: {json.dumps(found[sid])}", f"+ {sid}: {json.dumps(statement)}"]
    kept = [one for one in statements(old) if one.get("Sid") not in ours]
    return {**old, "Version": "2012-10-17", "Statement": [*ours.values(), *kept]}, lines, len(kept)


def plan(account, named, readers):
    buckets, keys = find(account, named)
    names = {("bucket", area): name for area, name in buckets.items()} | {("key", purpose): arn for purpose, arn in keys.items()}
    changes = []
    for (kind, purpose), wanted in shipped(account, buckets, keys, readers).items():
        name = names[kind, purpose]
        text = read(account, kind, name)
        policy, lines, kept = merged(json.loads(text) if text else {}, wanted)
        new = json.dumps(policy, separators=(",", ":"))
        if len(new) > BYTES_MAX[kind]:
            raise Refusal(f"the policy of {kind} {name} would have {len(new)} bytes, and AWS takes {BYTES_MAX[kind]}; remove statements of your own")
        print(f"{kind} {name}: {'nothing to change' if not lines else f'{len(lines)} lines differ'}, {kept} statements of others stay")
        for line in lines:
            print(f"  {line}")
        if lines:
            changes.append((kind, name, text, new))
    return changes


def apply(account, changes):
    done = []
    for kind, name, old, new in changes:
        try:
            write(account, kind, name, new)
        except (ClientError, BotoCoreError) as error:
            say(f"{kind} {name}: {error}")
            for kind, name, old in reversed(done):
                try:
                    write(account, kind, name, old)
                    say(f"{kind} {name}: as it was")
                except (ClientError, BotoCoreError) as error:
                    say(f"{kind} {name} was changed and could not be changed back ({error}); its policy was: {old}")
            return 1
        done.append((kind, name, old))
    say(f"{len(done)} policies changed")
    return 0


def main():
    environment, region, dry_run, yes, readers, *targets = sys.argv[1:]
    named = {}
    for target in targets:
        kind, rest = target.split(":", 1)
        purpose, name = rest.split("=", 1)
        named[kind, purpose] = name
    try:
        account = Account(environment, region)
        changes = plan(account, named, readers or account.parameters.get("QuarantineReaders", ""))
        if dry_run or not changes:
            return 0
        if not yes:
            if not sys.stdin.isatty():
                raise Refusal("nobody is there to confirm; --yes does it")
            if input(f"Type {environment} to change {len(changes)} policies: ") != environment:
                raise Refusal("not confirmed")
    except Refusal as refusal:
        say(refusal)
        return 2
    except (ClientError, BotoCoreError) as error:
        say(f"nothing was changed: {error}")
        return 2
    return apply(account, changes)


sys.exit(main())
