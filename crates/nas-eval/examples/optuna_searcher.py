"""Optuna as a searcher of pel-nas: pip install optuna

nas search … --propose "python3 optuna_searcher.py"          the tree-structured Parzen estimator
nas search … --propose "nsga2: python3 optuna_searcher.py nsga2"
"""

import json
import sys

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial

# Duplicates that Optuna may suggest for each proposal.
TRIES = 10

start = json.loads(sys.stdin.readline())
decisions = start["space"]["decisions"]
distributions = {one["name"]: CategoricalDistribution(one["choices"]) for one in decisions}
goals = {"max": "maximize", "min": "minimize"}
seed = start["seed"] % 2**32
if "nsga2" in sys.argv:
    sampler = optuna.samplers.NSGAIISampler(seed=seed)
else:
    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(
    directions=[goals[one["goal"]] for one in start["objectives"]], sampler=sampler
)
values = {}  # of each architecture that was evaluated; None where one is missing
trials = {}  # that wait for their values


def name(choices):
    return json.dumps(choices, sort_keys=True)


def suggest(trial):
    choices = {}
    for one in decisions:
        if all(choices.get(other) in active for other, active in one.get("if", {}).items()):
            choices[one["name"]] = trial.suggest_categorical(one["name"], one["choices"])
    return choices


def tell(trial, found):
    study.tell(trial, found, state=TrialState.FAIL if found is None else None)


def learn(result):
    choices, found = result["choices"], list(result["values"].values())
    found = None if None in found else found
    is_new = name(choices) not in values
    values[name(choices)] = found
    if name(choices) in trials:
        tell(trials.pop(name(choices)), found)
    elif is_new:
        # Proposed by others.
        state = TrialState.FAIL if found is None else TrialState.COMPLETE
        of = {key: distributions[key] for key in choices}
        study.add_trial(create_trial(state=state, params=choices, distributions=of, values=found))


def propose():
    """A new architecture, if Optuna suggests one."""
    for _ in range(TRIES):
        trial = study.ask()
        choices = suggest(trial)
        if name(choices) not in values and name(choices) not in trials:
            trials[name(choices)] = trial
            return {"choices": choices}
        tell(trial, None)
    return None


for line in sys.stdin:
    asked = json.loads(line)
    for result in asked["results"]:
        learn(result)
    for refused in asked["refused"]:
        trial = trials.pop(name(refused["proposal"]["choices"]), None)
        if trial is not None:
            tell(trial, None)
    proposals = [propose() for _ in range(asked["count"])]
    proposals = [one for one in proposals if one is not None]
    print(json.dumps({"id": asked["id"], "proposals": proposals}), flush=True)
