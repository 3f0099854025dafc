# SPDX-License-Identifier: MIT
"""Shared by the originals that count primes."""


def is_prime(n):
    """Whether no odd number up to the square root of n divides it."""
    if n < 3 or n % 2 == 0:
        return n == 2
    divisor = 3
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 2
    return True
