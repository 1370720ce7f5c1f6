"""The same forecast, fitted another way: Newton's method, with numpy."""

from __future__ import annotations

import numpy as np
from lockstep_worker import Context, tool


@tool(idempotent=True)
def newton(train: dict, most_steps: int = 25, *, ctx: Context) -> dict:
    """Fit a logistic regression by Newton's method, which needs a handful of steps where gradient descent needs many."""
    features = np.array(train["features"], dtype=float)
    rain = np.array(train["rainNext"], dtype=float)
    weights = np.zeros(features.shape[1])
    for step in range(1, most_steps + 1):
        ctx.check()
        chance = 1 / (1 + np.exp(-features @ weights))
        gradient = features.T @ (chance - rain) / len(rain)
        if np.linalg.norm(gradient) < 1e-10:
            break
        curvature = (features.T * (chance * (1 - chance))) @ features / len(rain)
        weights -= np.linalg.solve(curvature, gradient)
    loss = -np.mean(np.log(np.where(rain == 1, chance, 1 - chance)))
    return {"weights": weights.tolist(), "loss": float(loss), "steps": step}
