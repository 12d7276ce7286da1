"""XGBoost on the splits and features of `nas predict eval --out`.

Arguments: folders, each with features.csv and a seed-N.csv for each draw of labels. Prints for each
folder a line of JSON: means over the draws of Spearman's correlation with the truth on the held-out
rows and in the tenth that is truly best, for nas-predict and for XGBoost on labels as they are and
on -ln(best - label + offset), and seconds to fit and to predict all rows.
"""

import glob
import json
import sys
import time

import numpy as np
import pandas as pd
import xgboost

SETTINGS = dict(
    n_estimators=500,
    learning_rate=0.03,
    max_depth=5,
    subsample=0.7,
    colsample_bytree=0.2,
    max_bin=64,
    tree_method="hist",
)


def spearman(a, b):
    return np.corrcoef(pd.Series(a).rank(), pd.Series(b).rank())[0, 1]


def both(predicted, truth):
    least = np.sort(truth)[::-1][int(np.ceil(0.1 * len(truth))) - 1]
    best = truth >= least
    return [spearman(predicted, truth), spearman(predicted[best], truth[best])]


for folder in sys.argv[1:]:
    features = pd.read_csv(f"{folder}/features.csv", index_col="index")
    # Ranks: the same to trees, and some proxies are beyond f32.
    values = features.astype(np.float64).rank().to_numpy(np.float32)
    row = {index: at for at, index in enumerate(features.index)}
    figures = []
    for file in sorted(glob.glob(f"{folder}/seed-*.csv")):
        seed = int(file.rsplit("-", 1)[1].split(".")[0])
        split = pd.read_csv(file)
        rows = split["index"].map(row).to_numpy()
        labelled = split["trained"].to_numpy(dtype=bool)
        labels = split["accuracy"].to_numpy()[labelled]
        gaps = labels.max() - labels
        logarithm = -np.log(gaps + max(0.2 * np.median(gaps), 0.01 * gaps.max(), 1e-12))
        truth = split["truth"].to_numpy()[~labelled]
        figure = both(split["predicted"].to_numpy()[~labelled], truth)
        for target in [labels, logarithm]:
            begun = time.perf_counter()
            model = xgboost.XGBRegressor(random_state=seed, **SETTINGS)
            model.fit(values[rows[labelled]], target)
            fitted = time.perf_counter()
            predicted = model.predict(values)
            ended = time.perf_counter()
            figure += both(predicted[rows[~labelled]], truth)
            figure += [fitted - begun, ended - fitted]
        figures.append(figure)
    names = ["ours", "ours_best", "raw", "raw_best", "raw_fit", "raw_predict"]
    names += ["log", "log_best", "log_fit", "log_predict"]
    means = dict(zip(names, np.mean(figures, axis=0)))
    medians = dict(zip(names, np.median(figures, axis=0)))
    for name in ["fit", "predict"]:
        means[name] = medians[f"raw_{name}"]
    print(json.dumps(means))
