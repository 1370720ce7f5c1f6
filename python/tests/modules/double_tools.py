from lockstep_worker import tool


@tool
def same(): ...


@tool(name="same")
def another(): ...
