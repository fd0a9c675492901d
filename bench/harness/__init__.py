"""What the scenarios share: programs, the bench on which they stand, figures and tables. Standard library only."""
