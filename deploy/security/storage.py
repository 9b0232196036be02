"""Controls of buckets, keys, queues, topics, the stream and logs."""
from account import AREAS, KEYS
from findings import Finding, denied_without, every, parsed, strangers
from templates import normal, shipped, statements

BLOCKS = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]


def controls(account):
    names = {area: account.bucket(area) for area in AREAS}
    areas = {name: area for area, name in names.items()} | {f"{account.stack}-{account.id}-{account.region}-artifacts": "artifacts"}
    keys = {purpose: arn for purpose in KEYS if (arn := account.key(purpose))}
    for purpose in set(KEYS) - set(keys):
        yield Finding("kms-key", f"alias/{account.stack}-{purpose}", "there is no such key", "fail")
    yield from buckets(account, areas, keys)
    yield from key_controls(account, keys)
    yield from as_shipped(account, names, keys)
    yield from messages(account, keys)
    yield from logs(account)


def policy_of(account, bucket):
    answer = account.optional("s3", "get_bucket_policy", "NoSuchBucketPolicy", Bucket=bucket)
    return parsed(answer and answer["Policy"])


def buckets(account, areas, keys):
    def blocked(bucket):
        answer = account.optional("s3", "get_public_access_block", "NoSuchPublicAccessBlockConfiguration", Bucket=bucket)
        held = answer["PublicAccessBlockConfiguration"] if answer else {}
        off = [name for name in BLOCKS if not held.get(name)]
        return (f"off: {', '.join(off)}" if off else "all four on"), not off

    def encrypted(bucket):
        answer = account.optional("s3", "get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError", Bucket=bucket)
        rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0] if answer else {}
        by = rule.get("ApplyServerSideEncryptionByDefault", {})
        algorithm, key = by.get("SSEAlgorithm", "no encryption is set"), by.get("KMSMasterKeyID")
        area = areas[bucket]
        if area in ("logs", "artifacts"):  # S3 delivers access logs under its own key only; artifacts are older than our keys
            return algorithm, algorithm in ("AES256", "aws:kms")
        wanted = keys.get("platform" if area == "audit" else "media")
        same = wanted is not None and key is not None and key.split("/")[-1] == wanted.split("/")[-1]
        found = f"{algorithm}, {'the key of the environment' if same else f'key {key}'}, bucket key {'on' if rule.get('BucketKeyEnabled') else 'off'}"
        return found, algorithm == "aws:kms" and same and rule.get("BucketKeyEnabled") is True

    def versioned(bucket):
        status = account.call("s3", "get_bucket_versioning", Bucket=bucket).get("Status", "never enabled")
        return status, status == "Enabled"

    def owned(bucket):
        answer = account.optional("s3", "get_bucket_ownership_controls", "OwnershipControlsNotFoundError", Bucket=bucket)
        rule = answer["OwnershipControls"]["Rules"][0]["ObjectOwnership"] if answer else "ACLs are in force"
        return rule, rule == "BucketOwnerEnforced"

    def logged(bucket):
        target = account.call("s3", "get_bucket_logging", Bucket=bucket).get("LoggingEnabled", {}).get("TargetBucket")
        return f"to {target}" if target else "no access log", target is not None

    def by_tls(bucket):
        policy = policy_of(account, bucket)
        missing = [what for what, good in [
            ("plain HTTP is not refused", denied_without(policy, "Bool", "aws:SecureTransport", "false")),
            ("TLS below 1.2 is not refused", denied_without(policy, "NumericLessThan", "s3:TlsVersion", "1.2")),
        ] if not good]
        return "; ".join(missing) or "TLS 1.2 or newer only", not missing

    def private(bucket):
        found = strangers(policy_of(account, bucket), account.id)
        return "; ".join(found) or "nobody else is let in", not found

    yield from every("s3-public-access-block", areas, blocked)
    yield from every("s3-encryption", areas, encrypted)
    yield from every("s3-versioning", areas, versioned)
    yield from every("s3-owner-enforced", areas, owned)
    yield from every("s3-access-log", [name for name, area in areas.items() if area not in ("logs", "artifacts")], logged)
    yield from every("s3-tls-only", areas, by_tls)
    yield from every("s3-no-strangers", areas, private)


def key_controls(account, keys):
    purposes = {arn: purpose for purpose, arn in keys.items()}

    def rotated(arn):
        on = account.call("kms", "get_key_rotation_status", KeyId=arn)["KeyRotationEnabled"]
        return f"{purposes[arn]}: rotation {'on' if on else 'off'}", on

    def enabled(arn):
        state = account.call("kms", "describe_key", KeyId=arn)["KeyMetadata"]["KeyState"]
        return f"{purposes[arn]}: {state}", state == "Enabled"

    def private(arn):
        policy = parsed(account.call("kms", "get_key_policy", KeyId=arn, PolicyName="default")["Policy"])
        found = strangers(policy, account.id)
        return f"{purposes[arn]}: {'; '.join(found) or 'nobody else is let in'}", not found

    yield from every("kms-enabled", purposes, enabled)
    yield from every("kms-rotation", purposes, rotated)
    yield from every("kms-no-strangers", purposes, private)


def as_shipped(account, names, keys):
    """Whether each statement that deploy/stack gives to buckets and keys is there unchanged."""
    if "media" not in keys or "platform" not in keys:
        return  # said above
    wanted = shipped(account, names, keys, account.parameters.get("QuarantineReaders", ""))

    def same(target):
        kind, purpose = target
        if kind == "bucket":
            policy = policy_of(account, names[purpose])
        else:
            policy = parsed(account.call("kms", "get_key_policy", KeyId=keys[purpose], PolicyName="default")["Policy"])
        there = {normal(one) for one in statements(policy)}
        missing = [one["Sid"] for one in statements(wanted[target]) if normal(one) not in there]
        return f"missing or changed: {', '.join(missing)}" if missing else f"all {len(statements(wanted[target]))} statements", not missing

    for one in every("policy-as-shipped", wanted, same):
        kind, purpose = one.resource
        yield one._replace(resource=names[purpose] if kind == "bucket" else keys[purpose])


def messages(account, keys):
    def stream(name):
        held = account.call("kinesis", "describe_stream_summary", StreamName=name)["StreamDescriptionSummary"]
        kind = held.get("EncryptionType", "NONE")
        return f"{kind} {held.get('KeyId', '')}".strip(), kind == "KMS"

    def attributes(url):
        return account.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]

    def queue_encrypted(name):
        key = attributes(urls[name]).get("KmsMasterKeyId")
        return f"key {key}" if key else "no key of KMS", bool(key)

    def guarded(policy):
        found = strangers(policy, account.id)
        if not denied_without(policy, "Bool", "aws:SecureTransport", "false"):
            found.append("plain HTTP is not refused")
        return "; ".join(found) or "TLS only, nobody else is let in", not found

    def topic_encrypted(arn):
        key = account.call("sns", "get_topic_attributes", TopicArn=arn)["Attributes"].get("KmsMasterKeyId")
        return f"key {key}" if key else "no key of KMS", bool(key)

    def named(parameter, default):
        """What the account had before, or what the stack makes."""
        return account.parameters.get(parameter) or default

    queues = [f"{account.stack}-dead-letters"]
    if account.parameters.get("EventTransport") == "sqs":
        queues.append(named("ExistingEventQueue", f"{account.stack}-events"))
    else:
        yield from every("kinesis-encryption", [named("ExistingEventStream", f"{account.stack}-events")], stream)
    urls = {}
    for name in queues:
        answer = account.optional("sqs", "get_queue_url", "AWS.SimpleQueueService.NonExistentQueue|QueueDoesNotExist", QueueName=name)
        if answer:
            urls[name] = answer["QueueUrl"]
        else:
            yield Finding("sqs-encryption", name, "there is no such queue", "fail")
    yield from every("sqs-encryption", urls, queue_encrypted)
    yield from every("sqs-policy", urls, lambda name: guarded(parsed(attributes(urls[name]).get("Policy"))))
    own = f"arn:{account.partition}:sns:{account.region}:{account.id}:{account.stack}"
    topics = [named("ExistingNoticeTopicArn", f"{own}-notices"), named("ExistingAlarmTopicArn", f"{own}-alarms")]
    yield from every("sns-encryption", topics, topic_encrypted)
    yield from every("sns-policy", topics, lambda arn: guarded(parsed(
        account.call("sns", "get_topic_attributes", TopicArn=arn)["Attributes"].get("Policy"))))


def logs(account):
    groups = {one["logGroupName"]: one for one in account.pages(
        "logs", "describe_log_groups", "logGroups", logGroupNamePrefix=f"/reelgate/{account.environment}/")}
    if not groups:
        yield Finding("logs-encryption", f"/reelgate/{account.environment}/nodes", "there is no such log group", "fail")
    yield from every("logs-encryption", groups, lambda name: (
        f"key {groups[name].get('kmsKeyId')}", bool(groups[name].get("kmsKeyId"))))
    yield from every("logs-retention", groups, lambda name: (
        f"{groups[name].get('retentionInDays', 'no')} days", groups[name].get("retentionInDays", 0) >= 90))
