"""Controls of the network, the nodes and the database."""
from findings import Finding, every, judged, parsed, strangers
from templates import statements


def controls(account):
    vpc = account.outputs.get("VpcId")
    groups = account.pages("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups")
    groups = [one for one in groups if one["AutoScalingGroupName"] in {f"{account.stack}-{duty}" for duty in ("intake", "light", "heavy")}]
    if not groups:
        yield Finding("ec2-imdsv2", account.stack, "there is no Auto Scaling group of nodes", "fail")
    yield from network(account, vpc, groups)
    yield from nodes(account, groups)
    yield from database(account)


def of_vpc(account, operation, field, vpc):
    return account.pages("ec2", operation, field, Filters=[{"Name": "vpc-id", "Values": [vpc]}])


def network(account, vpc, groups):
    security = of_vpc(account, "describe_security_groups", "SecurityGroups", vpc)
    default = [one for one in security if one["GroupName"] == "default"]
    rules = sum(len(one["IpPermissions"]) + len(one["IpPermissionsEgress"]) for one in default)
    yield judged("vpc-default-group-closed", vpc, f"{rules} rules", bool(default) and rules == 0)

    used = {subnet for group in groups for subnet in group["VPCZoneIdentifier"].split(",")}
    subnets = {one["SubnetId"]: one for one in of_vpc(account, "describe_subnets", "Subnets", vpc) if one["SubnetId"] in used}
    yield from every("vpc-private-subnets", sorted(subnets), lambda name: (
        "gives public addresses" if subnets[name]["MapPublicIpOnLaunch"] else "gives no public addresses",
        not subnets[name]["MapPublicIpOnLaunch"]))
    zones = sorted({one["AvailabilityZone"] for one in subnets.values()})
    yield judged("vpc-two-zones", vpc, f"nodes start in {', '.join(zones) or 'no zone'}", len(zones) >= 2)
    tables = of_vpc(account, "describe_route_tables", "RouteTables", vpc)
    for table in tables:
        if used & {one.get("SubnetId") for one in table.get("Associations", [])}:
            out = [one["GatewayId"] for one in table["Routes"] if one.get("GatewayId", "").startswith("igw-")]
            yield judged("vpc-private-routes", table["RouteTableId"], f"leads to {out[0]}" if out else "no way from the internet", not out)

    if account.parameters.get("FlowLogs") == "none":
        yield Finding("vpc-flow-logs", vpc, "deployed with FlowLogs=none", "skip")
    else:
        def logged(name):
            found = account.call("ec2", "describe_flow_logs", Filters=[{"Name": "resource-id", "Values": [name]}])["FlowLogs"]
            return f"{len(found)} flow logs", any(one["FlowLogStatus"] == "ACTIVE" and one["TrafficType"] in ("ALL", "REJECT") for one in found)
        yield from every("vpc-flow-logs", [vpc], logged)

    if account.parameters.get("ExistingVpcId"):
        yield Finding("vpc-endpoint-policy", vpc, "deployed with ExistingVpcId: the endpoints are the account's", "skip")
        return
    endpoints = {one["VpcEndpointId"]: one for one in of_vpc(account, "describe_vpc_endpoints", "VpcEndpoints", vpc)}
    if not endpoints:
        yield Finding("vpc-endpoint-policy", vpc, "there is no endpoint, so media leaves the VPC", "fail")

    def limited(name):
        policy = parsed(endpoints[name].get("PolicyDocument"))
        allowed = [one for one in statements(policy) if one["Effect"] == "Allow"]
        # The agent's packages are in buckets of AWS, named one by one.
        open_ones = [one for one in allowed if one.get("Principal") in ("*", {"AWS": "*"}) and one.get("Resource") == "*" and strangers({"Statement": [one]}, account.id)]
        service = endpoints[name]["ServiceName"].rsplit(".", 1)[1]
        if not allowed:
            return f"{service}: no policy, so everything is allowed", False
        return f"{service}: {'everything of everybody is allowed' if open_ones else 'this account only'}", not open_ones
    yield from every("vpc-endpoint-policy", endpoints, limited)


def nodes(account, groups):
    def versions(group):
        held = group.get("LaunchTemplate") or group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification")
        # Without either, the name that the stack gives.
        which = {"LaunchTemplateId": held["LaunchTemplateId"]} if held and "LaunchTemplateId" in held else {"LaunchTemplateName": group["AutoScalingGroupName"]}
        version = held.get("Version", "$Default") if held else "$Latest"
        return account.call("ec2", "describe_launch_template_versions", Versions=[version], **which)["LaunchTemplateVersions"][0]["LaunchTemplateData"]

    templates = {group["AutoScalingGroupName"]: group for group in groups}

    def metadata(name):
        options = versions(templates[name]).get("MetadataOptions", {})
        tokens, hops = options.get("HttpTokens", "optional"), options.get("HttpPutResponseHopLimit", 1)
        return f"launch template: tokens {tokens}, {hops} hops", tokens == "required" and int(hops) == 1

    def disks(name):
        held = [one.get("Ebs", {}).get("Encrypted") for one in versions(templates[name]).get("BlockDeviceMappings", [])]
        good = bool(held) and all(one in (True, "true") for one in held)
        return "encrypted" if good else "a disk is not encrypted", good

    def address(name):
        public = [one for one in versions(templates[name]).get("NetworkInterfaces", []) if one.get("AssociatePublicIpAddress") not in (False, None, "false")]
        return "a public address" if public else "no public address", not public

    yield from every("ec2-imdsv2", templates, metadata)
    yield from every("ec2-one-interface", templates, lambda name: (
        f"{len(versions(templates[name]).get('NetworkInterfaces', []))} network interfaces",
        len(versions(templates[name]).get("NetworkInterfaces", [])) == 1))
    yield from every("ec2-disk-encryption", templates, disks)
    yield from every("ec2-no-public-address", templates, address)
    filters = [{"Name": "tag:reelgate:environment", "Values": [account.environment]}, {"Name": "instance-state-name", "Values": ["running"]}]
    running = {one["InstanceId"]: one for held in account.pages("ec2", "describe_instances", "Reservations", Filters=filters) for one in held["Instances"]}
    yield from every("ec2-imdsv2", running, lambda name: (
        f"running: tokens {running[name].get('MetadataOptions', {}).get('HttpTokens', 'optional')}",
        running[name].get("MetadataOptions", {}).get("HttpTokens") == "required"))
    yield from every("ec2-no-public-address", running, lambda name: (
        f"running: {running[name].get('PublicIpAddress', 'no public address')}", "PublicIpAddress" not in running[name]))

    def shut(name):
        used = sorted({held for one in versions(templates[name]).get("NetworkInterfaces", []) for held in one.get("Groups", [])})
        if not used:
            return "no security group is named, so the default one of the VPC holds", False
        held = account.call("ec2", "describe_security_groups", GroupIds=used)["SecurityGroups"]
        rules = sum(len(one["IpPermissions"]) for one in held)
        return f"{rules} rules of {', '.join(used)} let something in", rules == 0
    yield from every("ec2-nothing-comes-in", templates, shut)


def database(account):
    name = account.stack
    if account.parameters.get("ExistingDatabaseHost"):
        yield Finding("rds-encryption", name, "deployed with ExistingDatabaseHost: who owns the database judges it", "skip")
        return
    answer = account.optional("rds", "describe_db_clusters", "DBClusterNotFoundFault|DBClusterNotFound", DBClusterIdentifier=name)
    if not answer or not answer["DBClusters"]:
        yield Finding("rds-encryption", name, "there is no such cluster", "fail")
        return
    cluster = answer["DBClusters"][0]
    yield judged("rds-encryption", name, f"storage encrypted: {cluster['StorageEncrypted']}", cluster["StorageEncrypted"])
    yield judged("rds-deletion-protection", name, f"{cluster['DeletionProtection']}", cluster["DeletionProtection"])
    yield judged("rds-backups", name, f"{cluster['BackupRetentionPeriod']} days", cluster["BackupRetentionPeriod"] >= 7)
    members = [one["DBInstanceIdentifier"] for one in cluster["DBClusterMembers"]]

    def private(member):
        found = account.call("rds", "describe_db_instances", DBInstanceIdentifier=member)["DBInstances"][0]["PubliclyAccessible"]
        return "public" if found else "private", not found
    yield from every("rds-private", members, private)

    def forced(member):
        group = cluster.get("DBClusterParameterGroup")
        if not group:
            return "no parameter group of its own", False
        held = account.pages("rds", "describe_db_cluster_parameters", "Parameters", DBClusterParameterGroupName=group)
        value = next((one.get("ParameterValue") for one in held if one["ParameterName"] == "rds.force_ssl"), None)
        return f"rds.force_ssl is {value}", value == "1"
    yield from every("rds-tls", [name], forced)

    secret = cluster.get("MasterUserSecret", {}).get("SecretArn")
    if account.parameters.get("ExistingDatabaseSecretArn"):
        yield Finding("rds-secret-rotation", name, "deployed with ExistingDatabaseSecretArn: who owns the secret rotates it", "skip")
    elif not secret:
        yield Finding("rds-secret-rotation", name, "RDS keeps no secret of this cluster", "fail")
    else:
        def rotated(arn):
            on = account.call("secretsmanager", "describe_secret", SecretId=arn).get("RotationEnabled", False)
            return f"rotation {'on' if on else 'off'}", on
        yield from every("rds-secret-rotation", [secret], rotated)

    ids = [one["VpcSecurityGroupId"] for one in cluster["VpcSecurityGroups"]]

    def closed(group):
        held = account.call("ec2", "describe_security_groups", GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
        ranges = [one.get("CidrIp") or one.get("CidrIpv6") for rule in held for one in rule.get("IpRanges", []) + rule.get("Ipv6Ranges", [])]
        others = [one for one in held if (one.get("FromPort"), one.get("ToPort")) != (5432, 5432)]
        wrong = [f"lets in {one}" for one in ranges] + ["another port than 5432 is open"] * bool(others)
        return "; ".join(wrong) or "nodes only", not wrong
    yield from every("rds-nodes-only", ids, closed)
