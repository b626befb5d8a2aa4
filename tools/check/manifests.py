"""What of the Kubernetes manifests can be checked without kubectl, and what nobody may forget to replace.

Usage: manifests.py sources FILE...     YAML and JSON files of deploy/: they can be read, what a kustomization names is
                                        there, and an image by digest has the form of one
       manifests.py rendered --production FILE   what kubectl made of deploy/overlays/production: all images by digest
       manifests.py rendered --own FILE          what kubectl made of an operator's own folder: no placeholder is left

Prints what is wrong. Exit codes: 0 nothing is; 1 something is.
"""

import json
import pathlib
import re
import sys

import yaml

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PLACEHOLDER_DIGEST = "sha256:" + "0" * 64
# Of the base and of the overlay production. `example` and example.org belong to nobody (RFC 2606).
PLACEHOLDERS = {
    PLACEHOLDER_DIGEST: "is the placeholder: name the digest that your registry shows for the image",
    "registry.example": "is a placeholder: name your registry",
    "example.org": "is the sample's: name your own callers (configMapGenerator with behavior: replace)",
}


def named_files(kustomization: dict) -> list[str]:
    """Paths beside it."""
    names = kustomization.get("resources", []) + kustomization.get("components", [])
    names += [patch["path"] for patch in kustomization.get("patches", []) if "path" in patch]
    for generator in kustomization.get("configMapGenerator", []) + kustomization.get("secretGenerator", []):
        names += generator.get("envs", [])
        names += [name.rpartition("=")[2] for name in generator.get("files", [])]
    return names


def check_source(path: pathlib.Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    try:
        documents = [json.loads(text)] if path.suffix == ".json" else list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError) as wrong:
        return [f"{path}: {wrong}"]
    if path.name != "kustomization.yaml":
        return []
    [kustomization] = documents
    findings = [f"{path}: no such file or folder: {name}" for name in named_files(kustomization)
                if not (path.parent / name).exists()]
    for image in kustomization.get("images", []):
        if "digest" in image and not DIGEST.fullmatch(image["digest"]):
            findings.append(f"{path}: {image['digest']}: want sha256: and 64 digits of 0-9 and a-f")
    return findings


def containers(document: dict) -> list[dict]:
    pod = document.get("spec", {}).get("template", {}).get("spec", {})
    return pod.get("initContainers", []) + pod.get("containers", [])


def check_rendered(text: str, is_own: bool) -> list[str]:
    findings = []
    for document in yaml.safe_load_all(text):
        name = f"{document['kind']}/{document['metadata']['name']}"
        for container in containers(document):
            if not DIGEST.fullmatch(container["image"].partition("@")[2]):
                findings.append(f"{name}: {container['image']}: want NAME@sha256: and 64 digits of 0-9 and a-f")
        if is_own:
            content = yaml.safe_dump(document)
            findings += [f"{name}: {placeholder} {said}" for placeholder, said in PLACEHOLDERS.items()
                         if placeholder in content]
    return findings


def main(arguments: list[str]) -> int:
    match arguments:
        case ["sources", *paths]:
            findings = [finding for path in paths for finding in check_source(pathlib.Path(path))]
        case ["rendered", ("--production" | "--own") as which, path]:
            text = pathlib.Path(path).read_text(encoding="utf-8")
            findings = check_rendered(text, is_own=which == "--own")
        case _:
            print(__doc__, file=sys.stderr)
            return 1
    for finding in findings:
        print(finding)
    return 1 if findings else 0


sys.exit(main(sys.argv[1:]))
