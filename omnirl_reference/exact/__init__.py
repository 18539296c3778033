"""OmniRL with an exact memory: counts of each (state, action), read by looped message passing.

The memory is the statistic of the context (`anymdp_bench.kernels.Statistic`): linear attention with one-hot
keys, one slot a pair, without interference, decay or a limit of size. It assumes a stationary Markov task
with discrete ids.
"""
