-- What of an upload is not in its renditions, as a JSON list; null for what was packaged before it was kept.
ALTER TABLE ladders ADD COLUMN left_out text;
