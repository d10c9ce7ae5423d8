"""`lockstep doctor`: what an installation needs, looked at piece by piece, with the mend for what is not well.

`facts` reads what there is and judges nothing, `checks` judges it and reads nothing. Nothing is written to any side.
"""
