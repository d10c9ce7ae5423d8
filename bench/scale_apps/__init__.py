"""What the worker and beat processes of the bench `scale` run: nothing, often."""
