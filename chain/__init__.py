"""The bridge between the market and its Substrate chain."""
