from lockstep_worker import tool


@tool
def power(base: int, exponent: int) -> int:
    return base**exponent
