"""The policies that deploy/stack gives to buckets and keys, with the names of one account in them."""
import json
import os

import yaml

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "stack")


class Reader(yaml.SafeLoader):
    """Reads YAML with CloudFormation's short forms, such as !Ref."""


def short_form(reader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        value = reader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = reader.construct_sequence(node, deep=True)
    else:
        value = reader.construct_mapping(node, deep=True)
    return {"Ref" if tag == "Ref" else f"Fn::{tag}": value}


Reader.add_multi_constructor("!", short_form)


class Template:
    """A template of deploy/stack with its parameters filled in. `arns` are those of its resources."""

    def __init__(self, file, parameters, arns):
        with open(os.path.join(FOLDER, file), encoding="utf-8") as text:
            self.template = yaml.load(text, Reader)
        self.parameters, self.arns = parameters, arns

    def policy(self, resource, field):
        return self.value(self.template["Resources"][resource]["Properties"][field])

    def value(self, value):
        if isinstance(value, list):
            return [one for one in map(self.value, value) if one is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (function, argument), = value.items()
            if function == "Ref":
                return self.parameters[argument]
            if function == "Fn::GetAtt":
                return self.attribute(argument)
            if function == "Fn::If":
                return self.value(argument[1] if self.truth(self.template["Conditions"][argument[0]]) else argument[2])
            if function == "Fn::Sub":
                return self.sub(argument)
        made = {key: self.value(one) for key, one in value.items()}
        return {key: one for key, one in made.items() if one is not None}

    def truth(self, clause):
        (function, argument), = clause.items()
        if function == "Fn::Not":
            return not self.truth(argument[0])
        assert function == "Fn::Equals", function
        return str(self.value(argument[0])) == str(self.value(argument[1]))

    def attribute(self, path):
        name, attribute = path.split(".")
        assert attribute == "Arn", path
        return self.arns[name]

    def sub(self, text):
        before, *parts = text.split("${")
        for part in parts:
            name, rest = part.split("}", 1)
            before += (self.attribute(name) if "." in name else str(self.parameters[name])) + rest
        return before


def resource_of(area):
    return "Log" if area == "logs" else area.capitalize()


def shipped(account, buckets, keys, readers):
    """The shipped policy of each bucket and key that is there: {("bucket", area) or ("key", purpose): policy}.

    `buckets` are the names by area, `keys` the ARNs by purpose, `readers` who may read what is quarantined.
    """
    common = {
        "AWS::Partition": account.partition, "AWS::AccountId": account.id, "AWS::Region": account.region, "AWS::NoValue": None,
        "Environment": account.environment,
    }
    arns = {f"{resource_of(area)}Bucket": f"arn:{account.partition}:s3:::{name}" for area, name in buckets.items()}
    storage = Template("storage.yaml", common | {
        "MediaKeyArn": keys.get("media"), "AuditKeyArn": keys.get("platform"), "QuarantineReaders": readers}, arns)
    made = {("bucket", area): storage.policy(f"{resource_of(area)}BucketPolicy", "PolicyDocument") for area in buckets}
    template = Template("keys.yaml", common, {})
    for purpose in keys:
        resource = {"media": "MediaKey", "events": "EventKey", "platform": "PlatformKey"}[purpose]
        made["key", purpose] = template.policy(resource, "KeyPolicy")
    return made


def normal(value):
    """A statement as text that is the same however AWS orders or wraps what is in it."""
    def sorted_out(value):
        if isinstance(value, dict):
            return {key: sorted_out(one) for key, one in value.items()}
        if isinstance(value, list):
            items = sorted((sorted_out(one) for one in value), key=str)
            return items[0] if len(items) == 1 else items
        if isinstance(value, bool):
            return str(value).lower()
        return str(value)
    return json.dumps(sorted_out(value), sort_keys=True)


def statements(policy):
    found = policy.get("Statement", [])
    return found if isinstance(found, list) else [found]
