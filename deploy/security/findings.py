"""What a control found, and what the policies in it mean."""
import json
from collections import namedtuple

from account import BotoCoreError, ClientError, code_of
from templates import statements

# verdict: ok, fail, or skip: the environment was deployed without it, by a parameter that `found` names.
Finding = namedtuple("Finding", "control resource found verdict")


def judged(control, resource, found, good):
    return Finding(control, resource, found, "ok" if good else "fail")


def every(control, resources, check):
    """One finding for each resource. What cannot be read is not taken for good."""
    for resource in resources:
        try:
            found, good = check(resource)
        except (ClientError, BotoCoreError) as error:
            found, good = f"cannot be read: {code_of(error)}", False
        yield judged(control, resource, found, good)


def as_list(value):
    return value if isinstance(value, list) else [value]


def parsed(policy):
    return json.loads(policy) if isinstance(policy, str) else policy or {}


def denied_without(policy, operator, key, value):
    """Whether everybody is denied every action under this one condition."""
    return any(
        one["Effect"] == "Deny" and one.get("Principal") in ("*", {"AWS": "*"})
        and {key: value} == {name: str(as_list(held)[0]).lower() for name, held in one.get("Condition", {}).get(operator, {}).items()}
        and len(one["Condition"]) == 1
        for one in statements(policy)
    )


# Keys of conditions that can limit a statement to one account.
LIMITS = {"aws:sourceaccount", "aws:sourcearn", "aws:sourceowner", "aws:principalaccount", "aws:principalarn", "aws:resourceaccount",
          "kms:calleraccount", "kms:encryptioncontext:aws:logs:arn"}


def limited_to(account, statement):
    """Whether a condition holds the statement to this account: every value that it accepts names the account."""
    return any(
        key.lower() in LIMITS and all(account in str(value) for value in as_list(values))
        for operator, keys in statement.get("Condition", {}).items() if "Not" not in operator and not operator.endswith("IfExists")
        for key, values in keys.items()
    )


def strangers(policy, account):
    """Statements that let in another account, everybody, or a service on anybody's behalf."""
    found = []
    for one in statements(policy):
        if one["Effect"] != "Allow":
            continue
        principals = one.get("Principal", {})
        principals = {"AWS": principals} if isinstance(principals, str) else principals
        limited = limited_to(account, one)
        for kind, names in principals.items():
            for name in as_list(names):
                own = kind == "AWS" and (name == account or f":{account}:" in name)
                if not own and not limited:
                    found.append(f"{one.get('Sid', 'a statement without Sid')} lets in {name}")
    return found


def wildcards(policy):
    """Actions that are allowed without naming them: `*`, `service:*`, and all but some."""
    found = []
    for one in statements(policy):
        if one["Effect"] == "Allow":
            found += [action for action in as_list(one.get("Action", [])) if action == "*" or action.endswith(":*")]
            found += ["NotAction"] if "NotAction" in one else []
    return found


def decrypts_everything(policy):
    """Statements that allow to decrypt by whatever key."""
    return [one.get("Sid", "a statement without Sid") for one in statements(policy) if one["Effect"] == "Allow"
            and "*" in as_list(one.get("Resource", []))
            and any(action.lower() in ("*", "kms:*", "kms:decrypt", "kms:reencryptfrom", "kms:reencrypt*") for action in as_list(one.get("Action", [])))]
