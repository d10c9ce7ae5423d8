"""Commands for what is kept between runs: conflicts, held objects, names, and what is dropped in time."""
