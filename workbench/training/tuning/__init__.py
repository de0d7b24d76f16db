"""Measurements that find a setting: range test and batch scan, on throw-away models that leave no trace."""
