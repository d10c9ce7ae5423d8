"""`SyncTask`: both sides in one class, by methods with a prefix. Two sides are made of those methods, and the steps
of a run may be written anew, from `State` to `State`.
"""
