import config
import lightgbm as lgb
import pandas as pd
from sklearn.metrics import roc_auc_score


def main():
    train = pd.read_csv(config.TRAIN_FILE)
    test = pd.read_csv(config.TEST_FILE)
    features = [c for c in train.columns if c not in ("id", "target")]
    cut = int(len(train) * 0.8)
    dtrain = lgb.Dataset(train[features][:cut], train.target[:cut])
    dvalid = lgb.Dataset(train[features][cut:], train.target[cut:], reference=dtrain)
    booster = lgb.train(
        config.PARAMS, dtrain, num_boost_round=200, valid_sets=[dvalid],
        callbacks=[lgb.early_stopping(20, verbose=False)],
    )
    print("test auc", roc_auc_score(test.target, booster.predict(test[features])))
    booster.save_model(str(config.MODEL_FILE))


if __name__ == "__main__":
    main()
