"""Prints the stack as it would be deployed: each nested template with its parameters, conditions and references resolved.

usage: render.py MAIN-TEMPLATE [NAME=VALUE]...
  {"stacks": {PATH: {"template": FILE, "parameters": {NAME: VALUE}, "Resources": {…}}}}; the path is that of the nested stacks,
  such as `Fleet/Heavy`. An attribute that only AWS knows, such as an id, becomes a name made of the resource's own.
Runs with the Python of cfn-lint, for its reader of templates.
"""
import ipaddress
import json
import os
import sys

from cfnlint.decode import decode

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Region": "us-east-1",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "reelgate",
    "AWS::NoValue": None,
}
ACCOUNT, REGION = PSEUDO["AWS::AccountId"], PSEUDO["AWS::Region"]
stacks = {}


class Stack:
    def __init__(self, folder, file, path, given):
        self.folder, self.path = folder, path
        self.template, faults = decode(os.path.join(folder, file))
        assert not faults, faults
        declared = self.template.get("Parameters", {})
        unknown = set(given) - set(declared)
        assert not unknown, f"{path or file}: no such parameters: {sorted(unknown)}"
        missing = [name for name in declared if name not in given and "Default" not in declared[name]]
        assert not missing, f"{path or file}: parameters without a value: {missing}"
        self.parameters = {
            name: str(given.get(name, declared[name].get("Default"))) for name in declared
        }
        for name, value in self.parameters.items():
            allowed = declared[name].get("AllowedValues")
            assert not allowed or value in map(str, allowed), f"{path or file}: {name}={value} is not allowed"
        self.conditions = self.template.get("Conditions", {})
        self.nested = {}
        self.resources = {}
        alive = {
            name: resource
            for name, resource in self.template["Resources"].items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        }
        self.alive = alive
        for name in alive:
            self.resource(name)
        kept = {name: self.resources[name] for name in alive}
        stacks[path or "."] = {"template": file, "parameters": self.parameters, "Resources": kept}
        outputs = self.template.get("Outputs", {})
        self.outputs = {name: self.value(output["Value"]) for name, output in outputs.items()}

    def resource(self, name):
        if name not in self.resources:
            resource = self.alive[name]
            self.resources[name] = {}  # a cycle would be an error of the template, which cfn-lint finds
            if resource["Type"] == "AWS::CloudFormation::Stack":
                properties = self.value(resource["Properties"])
                file = properties["TemplateURL"].rsplit("/", 1)[1]
                path = f"{self.path}/{name}".lstrip("/")
                self.nested[name] = Stack(self.folder, file, path, properties.get("Parameters", {}))
            made = {key: self.value(value) for key, value in resource.items() if key != "Condition"}
            self.resources[name] = made
        return self.resources[name]

    def condition(self, name):
        return self.truth(self.conditions[name])

    def truth(self, clause):
        (function, arguments), = clause.items()
        if function == "Condition":
            return self.condition(arguments)
        if function == "Fn::Equals":
            return str(self.value(arguments[0])) == str(self.value(arguments[1]))
        if function == "Fn::Not":
            return not self.truth(arguments[0])
        return {"Fn::And": all, "Fn::Or": any}[function](self.truth(one) for one in arguments)

    def value(self, value):
        if isinstance(value, dict):
            if len(value) == 1:
                (function, argument), = value.items()
                if function == "Ref" or function.startswith("Fn::"):
                    return self.function(function, argument)
            made = {str(key): self.value(one) for key, one in value.items()}
            return {key: one for key, one in made.items() if one is not None}
        if isinstance(value, list):
            return [one for one in map(self.value, value) if one is not None]
        return value

    def function(self, function, argument):
        if function == "Ref":
            return self.ref(argument)
        if function == "Fn::GetAtt":
            name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
            return self.attribute(name, attribute)
        if function == "Fn::If":
            return self.value(argument[1] if self.condition(argument[0]) else argument[2])
        if function == "Fn::Sub":
            return self.sub(argument)
        argument = self.value(argument)
        if function == "Fn::Join":
            return argument[0].join(argument[1])
        if function == "Fn::Split":
            return argument[1].split(argument[0])
        if function == "Fn::Select":
            return argument[1][int(argument[0])]
        if function == "Fn::GetAZs":
            return [f"{REGION}{zone}" for zone in "abc"]
        if function == "Fn::Cidr":
            networks = ipaddress.ip_network(argument[0]).subnets(new_prefix=32 - int(argument[2]))
            return [str(next(networks)) for _ in range(int(argument[1]))]
        assert function == "Fn::Base64", function
        return argument

    def sub(self, text):
        made, rest = "", text
        while "${" in rest:
            before, rest = rest.split("${", 1)
            name, rest = rest.split("}", 1)
            if name.startswith("!"):  # a variable of the shell
                made += before + "${" + name[1:] + "}"
                continue
            name, _, attribute = name.partition(".")
            made += before + str(self.attribute(name, attribute) if attribute else self.ref(name))
        return made + rest

    def ref(self, name):
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            kind = self.template["Parameters"][name]["Type"]
            value = self.parameters[name]
            if kind == "Number":
                return float(value) if "." in value else int(value)
            return value.split(",") if kind == "CommaDelimitedList" else value
        kind, named = self.alive[name]["Type"], self.named(name)
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{named}"
        if kind in ("AWS::SNS::Topic", "AWS::IAM::ManagedPolicy"):
            return self.arn(kind, named)
        return named

    def attribute(self, name, attribute):
        kind = self.alive[name]["Type"]
        if attribute.startswith("Outputs."):
            self.resource(name)
            return self.nested[name].outputs[attribute.split(".", 1)[1]]
        if attribute == "Arn":
            return self.arn(kind, self.named(name))
        if attribute in ("QueueName", "TopicName"):
            return self.named(name)
        return f"{self.named(name)}-{attribute.split('.')[-1].lower()}"

    def named(self, name):
        """The physical name: the one that the template gives, otherwise the logical one."""
        properties = self.alive[name].get("Properties", {})
        last = self.alive[name]["Type"].rsplit("::", 1)[1]
        own = [f"{last}Name", "Name", f"{last}Identifier", "BucketName", "QueueName", "RoleName", "LogGroupName"]
        given = next((properties[key] for key in own if key in properties), None)
        return self.value(given) if given is not None else f"{self.path}/{name}".strip("/").replace("/", "-")

    @staticmethod
    def arn(kind, named):
        service = {"Logs": "logs", "IAM": "iam", "S3": "s3", "SNS": "sns", "SQS": "sqs", "KMS": "kms", "Kinesis": "kinesis"}
        service = service.get(kind.split("::")[1], kind.split("::")[1].lower())
        prefix = {
            "AWS::IAM::Role": "role/", "AWS::IAM::ManagedPolicy": "policy/", "AWS::IAM::InstanceProfile": "instance-profile/",
            "AWS::KMS::Key": "key/", "AWS::Kinesis::Stream": "stream/", "AWS::Logs::LogGroup": "log-group:",
            "AWS::CloudWatch::Alarm": "alarm:",
        }.get(kind, "")
        region = "" if service in ("iam", "s3") else REGION
        account = "" if service == "s3" else ACCOUNT
        return f"arn:aws:{service}:{region}:{account}:{prefix}{named}"


main, *given = sys.argv[1:]
Stack(os.path.dirname(main), os.path.basename(main), "", dict(one.split("=", 1) for one in given))
print(json.dumps({"stacks": stacks}, default=str))
