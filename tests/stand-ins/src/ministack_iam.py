"""Creates users, makes their calls and evaluates policies, through the SDK that ministack contains.

usage: ENDPOINT KEY SECRET ORDER...
  user NAME   a policy document on standard input; prints access key and secret
  judge       [{"policy": text, "cases": [{principal, action, resource, context}]}] on standard input; prints one
              line per case: Allow, Deny or ImplicitDeny. Without a principal the policy is one of the caller's,
              otherwise the resource's. Uses the server's evaluator directly, because the server's
              SimulateCustomPolicy ignores the context.
  call        [{service, operation, parameters}] on standard input; prints one line per call: "ok " and the
              answer, or the error's code
"""
import json
import sys

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, key, secret, order, *rest = sys.argv[1:]
session = botocore.session.get_session()
clients = {}


def client(service):
    if service not in clients:
        clients[service] = session.create_client(
            service,
            region_name="us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            verify=not endpoint.startswith("https://127.0.0.1:"),  # a server of ours, with a certificate of its own
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
        )
    return clients[service]


def outcome(call):
    try:
        answer = getattr(client(call["service"]), call["operation"])(**call["parameters"])
    except ClientError as error:
        return error.response["Error"]["Code"]
    except Exception as error:  # a response arrived, but this SDK cannot parse it
        return type(error).__name__
    answer.pop("ResponseMetadata", None)
    return "ok " + json.dumps(answer, default=str)


def judged(policy, case):
    from ministack.core.iam_evaluator import EvalContext, evaluate, evaluate_resource_policy, parse_policy_document

    keys = {name.lower(): value for name, value in case["context"].items()}
    caller = case["principal"] or "arn:aws:iam::123456789012:user/somebody"
    is_service = caller.endswith(".amazonaws.com")
    # The evaluator takes a principal of the account for a service that acts in it: this one is of another.
    arn = "arn:aws:iam::000000000000:role/of-a-service" if is_service else caller
    context = EvalContext(
        principal_arn=arn,
        principal_type="User",
        principal_account=arn.split(":")[4],
        action=case["action"],
        resource_arn=case["resource"],
        region=keys.get("aws:requestedregion", "us-east-1"),
        source_ip="127.0.0.1",
        secure_transport=keys.get("aws:securetransport") != "false",
        service_context=keys,
    )
    if case["principal"]:
        return evaluate_resource_policy(policy, context, service=caller if is_service else None).decision
    return evaluate(context, [parse_policy_document(policy)]).decision


def make_user(name, document):
    iam = client("iam")
    # A managed policy, which has the same limit of 6,144 characters as a role's managed policies.
    policy = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn=policy)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return made["AccessKeyId"] + " " + made["SecretAccessKey"]


if order == "user":
    print(make_user(rest[0], sys.stdin.read()))
elif order == "call":
    for call in json.load(sys.stdin):
        print(outcome(call))
else:
    for asked in json.load(sys.stdin):
        for case in asked["cases"]:
            print(judged(asked["policy"], case))
