"""Says how fast long work goes and how long it will take, on a terminal and on a page alike."""

from __future__ import annotations


def progress_line(rows: int, share: float, elapsed_s: float, rows_before: int = 0, share_before: float = 0.0) -> str:
    """Progress in words.

    >>> progress_line(36_000, 0.25, 60)
    '36,000 行，25 %，600 行/秒，还要 3:00'
    """
    rate = (rows - rows_before) / max(elapsed_s, 1e-9)
    done = max(share - share_before, 1e-9)
    minutes, seconds = divmod(round(elapsed_s * max(1 - share, 0) / done), 60)
    hours, minutes = divmod(minutes, 60)
    left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    then = f"还要 {left}" if share < 1 else "读完，正在写出"
    return f"{rows:,} 行，{share:.0%}，{rate:,.0f} 行/秒，{then}".replace("%", " %")
