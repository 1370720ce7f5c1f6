/**
 * What an interpreter is asked, by itself: who it is, whether it can import grpc, which of the packages that are named in its
 * arguments it has, and whether they fit. Answers one JSON object on descriptor 4. Written so that Python 2 and 3.5 read it, and
 * can say that they are too old. `packaging`, which compares versions (PEP 440), is no part of Python; pip brings a copy. Without
 * both, as in what uv makes, only plain numbers are compared, such as 1.85.1 with `>=1.70,<2`.
 */
export const PROBE_SCRIPT = `
import json, operator, os, re, sys

answer = {
    "path": sys.executable,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "prefix": sys.prefix,
    "abi": None,
    "platform": None,
    "grpc": None,
    "packages": [],
}


def requirement_class():
    try:
        from packaging.requirements import Requirement
    except ImportError:
        try:
            from pip._vendor.packaging.requirements import Requirement
        except ImportError:
            return None
    return Requirement


def release(text):
    if not re.match(r"[0-9]+([.][0-9]+)*$", text):
        return None
    numbers = [int(number) for number in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def compare(version, clauses):
    compared = {
        ">=": operator.ge,
        "<=": operator.le,
        "==": operator.eq,
        "!=": operator.ne,
        ">": operator.gt,
        "<": operator.lt,
    }
    has = release(version)
    for clause in clauses.split(","):
        found = re.match(r"\\s*(>=|<=|==|!=|>|<)\\s*([0-9.]+)\\s*$", clause)
        asked = found and release(found.group(2))
        if not found or asked is None or has is None:
            return None
        if not compared[found.group(1)](has, asked):
            return False
    return True


def look(text):
    from importlib import metadata

    name = re.match(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", text).group(0)
    clauses = re.sub(r"^\\s*\\[[^]]*\\]", "", text[len(name):]).strip()
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        version = None
    Requirement = requirement_class()
    if Requirement is not None:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate():
            fits = True
        else:
            fits = version is not None and requirement.specifier.contains(version, prereleases=True)
    elif version is None:
        fits = False
    else:
        fits = True if clauses == "" else compare(version, clauses)
    return {"requirement": text, "name": name, "version": version, "fits": fits}


if sys.version_info >= (3, 8):
    import sysconfig

    answer["abi"] = sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag
    answer["platform"] = sysconfig.get_platform()
    answer["packages"] = [look(text) for text in sys.argv[1:]]
    try:
        import grpc
    except BaseException as error:
        answer["grpc"] = "%s: %s" % (type(error).__name__, error)

os.write(4, json.dumps(answer).encode("utf-8"))
`;
