"""An environment as the account has it now, and what the programs of this folder share."""
import os
import sys

try:
    import botocore.config
    import botocore.session
    import yaml  # noqa: F401 - templates.py needs it; said here, in one place
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError as missing:
    print(f"{os.path.basename(sys.argv[0])}: this needs Python's botocore and PyYAML ({missing}); Debian has them as python3-botocore and python3-yaml", file=sys.stderr)
    sys.exit(2)

AREAS = ["ingest", "work", "published", "quarantine", "rejected", "text", "audit", "logs"]
KEYS = ["media", "events", "platform"]


class Refusal(Exception):
    """Something is wrong with what was given: one line, status 2, and nothing was changed."""


def code_of(error):
    """The code of AWS's answer, or the kind of fault that kept it from answering."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__


def client_of(session, service, region):
    config = botocore.config.Config(retries={"mode": "standard", "max_attempts": 5})
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or None  # older versions do not read it themselves
    return session.create_client(service, region_name=region, endpoint_url=endpoint, config=config)


def profile_client(account, profile, service):
    """A client with the credentials of a profile, and of nobody else."""
    return client_of(botocore.session.Session(profile=profile), service, account.region)


class Account:
    """The account of the credentials at hand, and what it has of one environment."""

    def __init__(self, environment, region):
        self.environment, self.region = environment, region
        self.clients = {}
        self.session = botocore.session.get_session()
        answer = self.call("sts", "get_caller_identity")
        self.id, self.partition = answer["Account"], answer["Arn"].split(":")[1]
        self.stack = f"reelgate-{environment}"
        found = self.optional("cloudformation", "describe_stacks", "ValidationError", StackName=self.stack)
        stack = found["Stacks"][0] if found else {}
        self.deployed = bool(stack)
        self.parameters = {one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", [])}
        self.outputs = {one["OutputKey"]: one.get("OutputValue", "") for one in stack.get("Outputs", [])}

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = client_of(self.session, service, self.region)
        return self.clients[service]

    def call(self, service, operation, **parameters):
        return getattr(self.client(service), operation)(**parameters)

    def optional(self, service, operation, absent, **parameters):
        """The answer, or nothing where AWS's code says that there is no such thing."""
        try:
            return self.call(service, operation, **parameters)
        except ClientError as error:
            if code_of(error) in absent.split("|"):
                return None
            raise

    def pages(self, service, operation, field, **parameters):
        """All items of a list that comes in pages."""
        client = self.client(service)
        if not client.can_paginate(operation):
            return getattr(client, operation)(**parameters).get(field, [])
        return [item for page in client.get_paginator(operation).paginate(**parameters) for item in page.get(field, [])]

    def bucket(self, area):
        """The name of an area's bucket: one that existed before, or the one that the stack makes."""
        existing = f"Existing{area.removesuffix('s').capitalize()}Bucket"
        return self.parameters.get(existing) or f"{self.stack}-{self.id}-{self.region}-{area}"

    def key(self, purpose):
        """The ARN of a key: one that existed before, or the one that the stack's alias names; nothing where there is neither."""
        existing = {"media": "ExistingMediaKeyArn", "events": "ExistingEventKeyArn", "platform": "ExistingPlatformKeyArn"}
        name = self.parameters.get(existing[purpose]) or f"alias/{self.stack}-{purpose}"
        answer = self.optional("kms", "describe_key", "NotFoundException", KeyId=name)
        return answer["KeyMetadata"]["Arn"] if answer else None
