import os, re

from run import Failure

BUILD_FOLDER = ".aws-sam/build"
FUNCTIONS = {"AWS::Serverless::Function": "CodeUri", "AWS::Lambda::Function": "Code"}
LAYERS = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::Lambda::LayerVersion": "Content"}
STACKS = {"AWS::Serverless::Application": "Location", "AWS::CloudFormation::Stack": "TemplateURL"}
OTHER_PATHS = {
    "AWS::Serverless::Api": "DefinitionUri",
    "AWS::Serverless::HttpApi": "DefinitionUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
    "AWS::ApiGateway::RestApi": "BodyS3Location",
    "AWS::StepFunctions::StateMachine": "DefinitionS3Location",
}


def find_template(options, built=True):
    path = options.get("template-file")
    candidates = [path] if path else [BUILD_FOLDER + "/template.yaml"] * built + ["template.yaml", "template.yml", "template.json"]
    for candidate in candidates:
        if os.path.isfile(candidate):
            return candidate
    raise Failure("there is no " + " and no ".join(candidates) + f" in {os.getcwd()}")


def load(path):
    from awscli.customizations.cloudformation.yamlhelper import yaml_parse

    with open(path, encoding="utf8") as file:
        try:
            template = yaml_parse(file.read())
        except Exception as error:
            raise Failure(f"{path} cannot be read: {error}") from None
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise Failure(f"{path} is no template: it has no Resources")
    return template


def is_local(path):
    return isinstance(path, str) and not re.match(r"(s3|https?)://|arn:", path)


def has_local_code(template):
    kinds = {**FUNCTIONS, **LAYERS, **STACKS, **OTHER_PATHS}
    for resource in template["Resources"].values():
        properties = resource.get("Properties") if isinstance(resource, dict) else None
        kind = resource.get("Type") if isinstance(resource, dict) else None
        if kind in kinds and (is_local((properties or {}).get(kinds[kind])) or (kind == "AWS::Serverless::Function" and not {"InlineCode", "CodeUri"} & set(properties or {}))):
            return True
    return False
