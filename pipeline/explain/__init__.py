"""Explanations: how one sample's LR was made, and where its HR and its pool items come from."""
