"""How people and scripts are told what went well and what did not: lines and tables on a screen, foreseen errors
in one line, exit codes, outages told once.
"""
