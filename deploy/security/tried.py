"""What who watches and who uploads may do, tried with their own credentials: profiles of the AWS CLI, because who audits may take no role.

Where a role is as it should be, nothing forbidden is read or written. Where it may too much, one byte is read, or an upload is begun and given up.
"""
from account import BotoCoreError, ClientError, code_of, profile_client
from findings import Finding, judged
from watch import FORBIDDEN

PROBE = ".reelgate-validate"


def controls(account, profiles):
    for duty, profile in profiles.items():
        role = f"{account.stack}-{duty}-{account.region}"
        if not profile:
            yield Finding("role-tried", role, f"no --{duty}-profile was given", "skip")
            continue
        try:
            yield from tried(account, duty, role, profile)
        except (ClientError, BotoCoreError) as error:
            yield Finding("role-tried", role, f"cannot be tried with the profile {profile}: {code_of(error)}", "fail")


def tried(account, duty, role, profile):
    who = profile_client(account, profile, "sts").get_caller_identity()["Arn"]
    if f":assumed-role/{role}/" not in who:
        yield Finding("role-tried", role, f"expected credentials of this role in the profile {profile}, found {who}", "fail")
        return
    client = profile_client(account, profile, "s3")
    prefix = account.parameters.get("ProducerPrefix") or "studio"
    own = ("s3:GetObject", "published") if duty == "viewer" else ("s3:PutObject", "ingest")
    forbidden = [(action, area, key.replace("studio", prefix)) for of, action, area, key in FORBIDDEN if of == duty and action in CALLS]
    denied, too_much, empty = 0, [], []
    for action, area, key in forbidden:
        answer = CALLS[action](account, client, area, key)
        if answer is None:
            empty.append(area)
        elif answer:
            too_much.append(f"{action} in {area}")
        else:
            denied += 1
    may = CALLS[own[0]](account, client, own[1], f"{prefix}/{PROBE}")
    if may is False:
        too_much.append(f"not even {own[0]} in {own[1]}, so the denials prove nothing")
    if too_much:
        found = f"may {'; '.join(too_much)}"
    else:
        found = f"{denied} forbidden calls were denied" + (f"; nothing to read was in {', '.join(empty)}" if empty else "")
    if may is None and not too_much:
        yield Finding("role-tried", role, f"{found}; nothing is published yet, so they prove little", "skip")
    else:
        yield judged("role-tried", role, found, not too_much)


def allowed(call, **parameters):
    """What the call answers; nothing where it is denied. Any other refusal comes after the rights were looked at."""
    try:
        return call(**parameters)
    except ClientError as error:
        return None if code_of(error) in ("AccessDenied", "403") else {}


def reads(account, client, area, _):
    """Whether an object that is there can be read; None where there is none. S3 denies what is missing to who may not list."""
    bucket = account.bucket(area)
    there = account.call("s3", "list_objects_v2", Bucket=bucket, MaxKeys=1).get("Contents", [])
    if not there:
        return None
    return allowed(client.get_object, Bucket=bucket, Key=there[0]["Key"], Range="bytes=0-0") is not None


def writes(account, client, area, key):
    """Whether an upload of several parts can be begun, for which S3 asks for the right to write. It is given up at once."""
    bucket, key = account.bucket(area), f"{key.rsplit('/', 1)[0]}/{PROBE}"
    begun = allowed(client.create_multipart_upload, Bucket=bucket, Key=key)
    if begun:
        client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=begun["UploadId"])
    return begun is not None


CALLS = {"s3:GetObject": reads, "s3:PutObject": writes}
