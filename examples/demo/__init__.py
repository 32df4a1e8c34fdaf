"""`make demo`: a cluster, the operator and a shop on Black Friday, from zero to N replicas and back.

Read it from `__main__`: the steps in order. `story` says what happens when, `summary` judges what came of it.
"""
