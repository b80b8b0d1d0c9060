"""The bill of materials of an installation, as CycloneDX 1.6 in JSON: what `runtime_pins` says, with licences.

    python -m deploy.sbom > build/sbom.json

It has no time and no random number, so that the same pins give the same bytes.
"""

from importlib.metadata import metadata, version
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from deploy.runtime_pins import pinned, runtime

_ROOT: Final = "slackwater"


def bill() -> str:
    """The whole of it, as JSON."""
    pins = pinned()
    needs = runtime()
    components = {name: _component(name, pins[name][0]) for name in sorted(needs.keys() - {_ROOT})}
    root = Component(
        name=_ROOT, version=version(_ROOT), type=ComponentType.APPLICATION, bom_ref=_ROOT, licenses=_licences(_ROOT)
    )
    text = "\n".join(f"{name}=={each.version}" for name, each in components.items())
    bom = Bom(components=components.values(), serial_number=uuid5(NAMESPACE_URL, text))
    bom.metadata.component, bom.metadata.timestamp = root, None
    every = components | {_ROOT: root}
    for name, of in needs.items():
        bom.register_dependency(every[name], [every[each] for each in sorted(of)])
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _component(name: str, pin: str) -> Component:
    return Component(
        name=name,
        version=pin,
        type=ComponentType.LIBRARY,
        bom_ref=f"{name}=={pin}",
        purl=PackageURL("pypi", None, name, pin),
        licenses=_licences(name),
    )


def _licences(name: str) -> list[LicenseExpression | DisjunctiveLicense]:
    """As the package itself says it; a text that goes on for lines is no name of a licence."""
    said = metadata(name)
    if expression := said.get("License-Expression"):
        return [LicenseExpression(expression)]
    names = [each.rpartition(" :: ")[2] for each in said.get_all("Classifier") or () if each.startswith("License ::")]
    names = names or [each for each in (said.get("License") or "",) if each and "\n" not in each]
    return [DisjunctiveLicense(name=each) for each in names]


if __name__ == "__main__":
    print(bill())  # noqa: T201
