"""The configuration of the stack that the engine is deploying. Apart from the models: importing the engine is slow."""

import pulumi
from pulumi.runtime import config as pulumi_config

from settings.parsing import parse_configuration
from settings.problems import InvalidSettings
from settings.stack import StackSettings


def load_settings() -> StackSettings:
    """Read and check the configuration of the current stack.

    Raises RunError with all problems, which Pulumi prints without a traceback.
    """
    configuration = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    encrypted = [key for key in configuration if pulumi_config.is_config_secret(key)]
    try:
        return parse_configuration(configuration, pulumi.get_stack(), encrypted)
    except InvalidSettings as refusal:
        raise pulumi.RunError(str(refusal)) from refusal
