"""Controls of roles, and of what watches the account."""
from account import BotoCoreError, ClientError, code_of
from findings import Finding, as_list, decrypts_everything, every, judged, parsed, wildcards
from templates import statements

DUTIES = ["light", "heavy", "intake", "viewer", "producer", "rules", "pause", "pause-rule"]
# Role, action, area, key: what none of these may do, whatever the area is called.
FORBIDDEN = [
    *(("viewer", "s3:GetObject", area, "studio/film.mp4") for area in ("ingest", "work", "quarantine", "rejected", "text", "audit", "logs")),
    ("viewer", "s3:PutObject", "published", "studio/film.mp4/master.m3u8"),
    ("viewer", "s3:DeleteObject", "published", "studio/film.mp4/master.m3u8"),
    *(("producer", "s3:GetObject", area, "studio/film.mp4") for area in ("work", "quarantine", "rejected", "text", "audit", "logs")),
    *(("producer", "s3:PutObject", area, "studio/film.mp4") for area in ("work", "published", "quarantine", "audit", "logs")),
    ("producer", "s3:PutObject", "ingest", "of-somebody-else/film.mp4"),
    ("producer", "s3:DeleteObject", "ingest", "studio/film.mp4"),
    *(("heavy", "s3:GetObject", area, "studio/film.mp4") for area in ("quarantine", "audit", "logs")),
    *(("heavy", "s3:PutObject", area, "studio/film.mp4") for area in ("published", "quarantine", "audit", "logs")),
    *((duty, "s3:PutBucketPolicy", "quarantine", "") for duty in ("light", "heavy", "viewer", "producer")),
    *((duty, "s3:DeleteObjectVersion", "audit", "audit-seal.json") for duty in ("light", "heavy", "viewer", "producer")),
]


def controls(account):
    roles = {}
    for duty in DUTIES:
        name = f"{account.stack}-{duty}-{account.region}"
        answer = account.optional("iam", "get_role", "NoSuchEntity", RoleName=name)
        if answer:
            roles[name] = answer["Role"]
        elif duty in ("light", "heavy", "viewer", "producer"):
            yield Finding("iam-role", name, "there is no such role", "fail")
    yield from policies(account, roles)
    yield from boundaries(account, roles)
    yield from watchers(account)


def policies(account, roles):
    """What is attached to each role: only what the stack made, and nothing that allows actions without naming them."""
    made = set()
    for nested in ("Policies", "Events", "Guard"):
        stack = account.call("cloudformation", "describe_stack_resource", StackName=account.stack, LogicalResourceId=nested)
        stack = stack["StackResourceDetail"]["PhysicalResourceId"]
        made |= {one.get("PhysicalResourceId") for one in account.pages(
            "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=stack)}

    def attached(role):
        return account.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=role)

    def shipped(role):
        others = [one["PolicyName"] for one in attached(role) if one["PolicyArn"] not in made]
        others += [f"{name} (inline)" for name in account.pages("iam", "list_role_policies", "PolicyNames", RoleName=role)]
        return f"not of the stack: {', '.join(others)}" if others else "policies of the stack only", not others

    documents = {}

    def held(role):
        """Each policy of the role: its name and document."""
        if role not in documents:
            documents[role] = []
            for one in attached(role):
                version = account.call("iam", "get_policy", PolicyArn=one["PolicyArn"])["Policy"]["DefaultVersionId"]
                answer = account.call("iam", "get_policy_version", PolicyArn=one["PolicyArn"], VersionId=version)
                documents[role].append((one["PolicyName"], parsed(answer["PolicyVersion"]["Document"])))
            for name in account.pages("iam", "list_role_policies", "PolicyNames", RoleName=role):
                answer = account.call("iam", "get_role_policy", RoleName=role, PolicyName=name)
                documents[role].append((name, parsed(answer["PolicyDocument"])))
        return documents[role]

    def named(role):
        found = [f"{name} allows {action}" for name, policy in held(role) for action in wildcards(policy)]
        return "; ".join(found) or "every action is named", not found

    def by_named_keys(role):
        found = [f"{name}: {sid}" for name, policy in held(role) for sid in decrypts_everything(policy)]
        return f"decrypts by every key: {'; '.join(found)}" if found else "decrypts by named keys only", not found

    invited = {account.parameters.get(name) for name in ("ViewerPrincipalArn", "ProducerPrincipalArn")} - {None, ""}

    def trusted(role):
        found = []
        for one in statements(parsed(roles[role]["AssumeRolePolicyDocument"])):
            principals = one.get("Principal", {})
            principals = {"AWS": principals} if isinstance(principals, str) else principals
            for kind, names in principals.items():
                found += [name for name in as_list(names) if one["Effect"] == "Allow" and not (
                    name in invited or kind == "Service" and name.endswith(".amazonaws.com") or f":{account.id}:" in name or name == account.id)]
        return f"may be taken by {', '.join(found)}" if found else "may be taken by this account, its services and whom it invited", not found

    yield from every("iam-policies-of-the-stack", roles, shipped)
    yield from every("iam-no-wildcard-actions", roles, named)
    yield from every("iam-no-decrypt-everywhere", roles, by_named_keys)
    yield from every("iam-trust", roles, trusted)


def boundaries(account, roles):
    """Asks IAM's simulator what each role may not do. A viewer who may watch shows that the simulator answers about these roles."""
    def may(role, action, area, key):
        bucket = f"arn:{account.partition}:s3:::{account.bucket(area)}"
        answer = account.call(
            "iam", "simulate_principal_policy", PolicySourceArn=roles[role]["Arn"], ActionNames=[action], ResourceArns=[f"{bucket}/{key}" if key else bucket])
        return answer["EvaluationResults"][0]["EvalDecision"] == "allowed"

    prefix = account.parameters.get("ProducerPrefix") or "studio"
    for duty in ("viewer", "producer", "heavy", "light"):
        role = f"{account.stack}-{duty}-{account.region}"
        if role not in roles:
            continue
        cases = [(action, area, key.replace("studio", prefix)) for of, action, area, key in FORBIDDEN if of == duty]
        try:
            too_much = [f"{action} in {area}" for action, area, key in cases if may(role, action, area, key)]
            if duty == "viewer" and not may(role, "s3:GetObject", "published", f"{prefix}/film.mp4/master.m3u8"):
                too_much.append("not even watch, so the simulator proves nothing")
        except (ClientError, BotoCoreError) as error:
            yield Finding("iam-boundary", role, f"cannot be read: {code_of(error)}", "fail")
            continue
        yield judged("iam-boundary", role, f"may {'; '.join(too_much)}" if too_much else f"{len(cases)} forbidden calls are denied", not too_much)


def records_every_call(selectors):
    """Whether a trail records all calls that manage the account, also those that only read."""
    plain = any(one.get("IncludeManagementEvents") and one.get("ReadWriteType") == "All" and not one.get("ExcludeManagementEventSources")
                for one in selectors.get("EventSelectors", []))
    fields = [one["FieldSelectors"] for one in selectors.get("AdvancedEventSelectors", [])]
    management = [{"Field": "eventCategory", "Equals": ["Management"]}]
    return plain or management in fields


def watchers(account):
    def chosen(parameter, control, resource, check):
        if account.parameters.get(parameter) == "none":
            yield Finding(control, resource, f"deployed with {parameter}=none", "skip")
        else:
            yield from every(control, [resource], check)

    def macie(_):
        status = account.call("macie2", "get_macie_session")["status"]
        return status, status == "ENABLED"

    def daily(name):
        jobs = account.pages("macie2", "list_classification_jobs", "items", filterCriteria={
            "includes": [{"comparator": "EQ", "key": "name", "values": [name]}]})
        states = [one["jobStatus"] for one in jobs]
        return f"jobs: {', '.join(states) or 'none'}", any(one in ("RUNNING", "IDLE") for one in states)

    def trail(_):
        logging, quarantine, reads = [], False, False
        for one in account.call("cloudtrail", "describe_trails")["trailList"]:
            if account.call("cloudtrail", "get_trail_status", Name=one["TrailARN"])["IsLogging"]:
                logging.append(one)
                answer = account.call("cloudtrail", "get_event_selectors", TrailName=one["TrailARN"])
                quarantine |= account.bucket("quarantine") in str(answer.get("AdvancedEventSelectors")) or "AWS::S3::Object" in str(answer.get("EventSelectors"))
                reads |= records_every_call(answer)
        validated = [one for one in logging if one.get("LogFileValidationEnabled")]
        found = (f"{len(logging)} trails log, {len(validated)} of them with validation of files, reads of the quarantine {'are' if quarantine else 'are not'} "
                 f"among the events, calls that only read the account {'are' if reads else 'are not'}")
        return found, bool(validated) and quarantine and reads

    def detector(_):
        ids = account.call("guardduty", "list_detectors")["DetectorIds"]
        states = [account.call("guardduty", "get_detector", DetectorId=one)["Status"] for one in ids]
        return f"detectors: {', '.join(states) or 'none'}", "ENABLED" in states

    def analyzer(_):
        states = [one["status"] for one in account.pages("accessanalyzer", "list_analyzers", "analyzers")]
        return f"analyzers: {', '.join(states) or 'none'}", "ACTIVE" in states

    yield from chosen("Macie", "macie-session", account.id, macie)
    yield from chosen("Macie", "macie-daily-job", f"{account.stack}-daily", daily)
    yield from chosen("Trail", "cloudtrail", account.id, trail)
    yield from chosen("GuardDuty", "guardduty", account.id, detector)
    yield from chosen("AccessAnalyzer", "access-analyzer", account.id, analyzer)
