"""The topics as an AsyncAPI 3 document, with Kafka bindings: https://www.asyncapi.com/docs/reference/specification/v3.0.0."""

import re
from importlib.metadata import version
from typing import Any, Final

from schemas.events import InputTopic
from schemas.export import json_schema
from streams.runtime.settings import Settings
from streams.runtime.topics import TopicPlan, plan

_BINDING: Final = "0.5.0"
_NUMBERS: Final = ("retention.ms", "retention.bytes", "max.message.bytes")
_OUTPUT: Final = ("alerts", "health", "dead_letters")
_DEFAULT_NAMES: Final = {name: Settings().topic(name) for name in (*InputTopic, *_OUTPUT)}
_KEYS: Final = {
    "usage": "Any, or none: the account is taken from the value.",
    "billing": "Any, or none: the account is taken from the value.",
    "accounts": "The account's id, as the topic is compacted.",
    "feedback": "Any, or none: the account is taken from the value.",
    "commands": "Any, or none: the account is taken from the value.",
    "alerts": "The account's id.",
    "health": "The account's id.",
}
_HEADERS: Final = {
    "alerts": ("content-type", "slackwater-alert-id", "slackwater-kind", "slackwater-change"),
    "dead_letters": (
        *("content-type", "slackwater-reason", "slackwater-topic", "slackwater-partition", "slackwater-offset"),
    ),
}


def asyncapi(settings: Settings) -> dict[str, Any]:
    """The document: what an application with these settings receives and sends, with the topics' own names."""
    names = [*(topic.value for topic in InputTopic), *_OUTPUT]
    plans = {each.name: each for each in plan(settings)}
    schemas: dict[str, Any] = {}
    channels, messages, operations = {}, {}, {}
    for name in names:
        schema = _for_components(json_schema(_DEFAULT_NAMES[name]), _DEFAULT_NAMES[name], schemas)
        channels[name] = _channel(name, plans[settings.topic(name)], schema)
        messages[name] = _message(name, schema)
        action = "receive" if name in set(InputTopic) else "send"
        operations[f"{action}-{name}"] = _operation(name, action, settings)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "slackwater",
            "version": version("slackwater"),
            "description": "What it reads from Kafka and writes to it. Read what it writes with read_committed.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": _server(settings)},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _server(settings: Settings) -> dict[str, Any]:
    secure = settings.security_protocol.endswith("SSL")
    return {"host": settings.brokers.partition(",")[0], "protocol": "kafka-secure" if secure else "kafka"}


def _channel(name: str, topic: TopicPlan, schema: dict[str, Any]) -> dict[str, Any]:
    configs: dict[str, Any] = {key: int(topic.configs[key]) for key in _NUMBERS if key in topic.configs}
    configs["cleanup.policy"] = topic.configs["cleanup.policy"].split(",")
    kafka: dict[str, Any] = {"topic": topic.name, "topicConfiguration": configs, "bindingVersion": _BINDING}
    if topic.role != "input":  # of an input topic the count is its owner's
        kafka["partitions"] = topic.partitions
    return {
        "address": topic.name,
        "title": schema["title"],
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {"kafka": kafka},
    }


def _message(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"name": name, "title": schema["title"], "payload": schema}
    kafka: dict[str, Any] = {"bindingVersion": _BINDING}
    if name in _KEYS:
        kafka["key"] = {"type": "string", "description": _KEYS[name]}
    if name in _HEADERS:
        properties = {header: {"type": "string"} for header in _HEADERS[name]}
        message["headers"] = {"type": "object", "required": list(properties), "properties": properties}
    return message | {"bindings": {"kafka": kafka}}


def _operation(name: str, action: str, settings: Settings) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
    }
    if action == "receive":
        group = {"type": "string", "const": settings.app_id}
        operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": _BINDING}}
    return operation


def _for_components(schema: dict[str, Any], topic: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """A schema without definitions of its own: they go to `schemas`, where references of the document lead. What only
    JSON Schema 2020-12 or OpenAPI has is left out, or put as AsyncAPI has it."""

    def moved(value: Any) -> Any:
        if isinstance(value, list):
            return [moved(each) for each in value]
        if not isinstance(value, dict):
            return value
        found = {key: moved(each) for key, each in value.items() if key not in ("$schema", "$id", "$defs")}
        if isinstance(reference := found.get("$ref"), str):
            found["$ref"] = re.sub(r"^#/\$defs/", f"#/components/schemas/{topic}.", reference)
        if isinstance(choice := found.get("discriminator"), dict) and "propertyName" in choice:
            found["discriminator"] = choice["propertyName"]
        return found

    for name, part in schema.get("$defs", {}).items():
        schemas[f"{topic}.{name}"] = moved(part)
    result: dict[str, Any] = moved(schema)
    return result
