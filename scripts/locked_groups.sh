# The groups of requirements/ that requirements/locked.txt is made of; to be sourced.
locked_groups=(core runtime ros build view offline)
