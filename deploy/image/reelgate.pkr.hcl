# An Amazon machine image of Reelgate: Debian's own image with the package of `make dist` installed by provision.sh, as the disk image of
# `build.sh --disk` is made. `packer build -var region=eu-west-1 -var package=target/dist/reelgate_0.1.0-1_amd64.deb deploy/image`
# Debian 13 has GStreamer 1.26: set source_release to a release with 1.28.5 or newer as soon as Debian publishes its image.
variable "region" {
  type = string
}

variable "package" {
  type = string
}

variable "source_release" {
  type    = string
  default = "13"
}

variable "instance_type" {
  type    = string
  default = "c7i.large"
}

source "amazon-ebs" "reelgate" {
  region        = var.region
  instance_type = var.instance_type
  ami_name      = "reelgate-{{timestamp}}"
  ssh_username  = "admin"
  encrypt_boot  = true

  source_ami_filter {
    filters = {
      name                = "debian-${var.source_release}-amd64-*"
      virtualization-type = "hvm"
    }
    # Debian's account.
    owners      = ["136693071363"]
    most_recent = true
  }

  # IMDSv2 alone, while it is built and afterwards.
  imds_support = "v2.0"

  tags = {
    Name = "reelgate"
  }
}

build {
  sources = ["source.amazon-ebs.reelgate"]

  provisioner "file" {
    source      = var.package
    destination = "/tmp/reelgate.deb"
  }

  provisioner "shell" {
    script          = "deploy/image/provision.sh"
    execute_command = "sudo sh '{{ .Path }}' /tmp/reelgate.deb"
  }
}
