"""Speed of Microsoft Presidio on the text of the file named: one line for the table of run.sh.

No language model: a blank English pipeline of spaCy cuts the text into words, and only recognisers of patterns run, for
the six types that the accuracy bench compares. A model would cost Presidio time; this is its fast side.
"""

import logging
import sys
import time
from importlib.metadata import version

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine

TYPES = ["CREDIT_CARD", "EMAIL_ADDRESS", "PHONE_NUMBER", "US_SSN", "IBAN_CODE", "IP_ADDRESS"]
# Number of texts that Presidio passes to spaCy at once.
BATCH = 256
# As in src/main.rs, and not more: the search for phone numbers fails in a text of a megabyte.
PIECE = 256 << 10


class BlankNlpEngine(SpacyNlpEngine):
    """Words only: no lemmas, no parts of speech, no names."""

    def __init__(self):
        super().__init__()
        self.nlp = {"en": spacy.blank("en")}


def pieces(text):
    """Pieces of whole lines."""
    rest = text
    while rest:
        end = rest.find("\n", PIECE) + 1 or len(rest)
        yield rest[:end]
        rest = rest[end:]


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        text = file.read()
    # Otherwise it logs every recogniser for another language as skipped.
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    # Use only the list of public suffixes in the package: a bench must not download anything.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    engine = BatchAnalyzerEngine(AnalyzerEngine(nlp_engine=BlankNlpEngine(), supported_languages=["en"]))

    def found(texts):
        results = engine.analyze_iterator(texts, "en", batch_size=BATCH, entities=TYPES)
        return sum(len(result) for result in results)

    def measured(texts):
        # Run once, because it takes a minute. Measure processor time of this thread, as for the other rows.
        start = time.thread_time()
        count = found(texts)
        return f"{count}\t{len(text) / (1 << 20) / (time.thread_time() - start)}"

    # The first call compiles everything that is compiled only once.
    found(["jane.doe@example.org, 212-555-0123, 69.196.0.85"])
    lines = measured([line for line in text.splitlines() if line])
    large = measured(list(pieces(text)))
    print(f"Presidio {version('presidio-analyzer')}", len(TYPES), lines, large, sep="\t")


main()
