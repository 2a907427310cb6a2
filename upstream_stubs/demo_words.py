"""The words that demo data is made of: plausible, readable, and about nobody."""

from typing import Final


def words(text: str) -> tuple[str, ...]:
    """The words of a line."""
    return tuple(text.split())


FIRST_NAMES: Final = words(
    "Ada Amina Bruno Carla Chidi Dana Elif Emil Farid Greta Hana Ivo Jonas Kaja Lena Luca "
    "Mara Nils Noor Olga Pavel Rosa Sami Tomas Yara"
)
LAST_NAMES: Final = words(
    "Abel Berg Costa Dahl Engel Ferrari Garcia Haas Ito Jansen Keller Lund Moreau Novak "
    "Okafor Petrov Rossi Silva Virtanen Weber"
)
MATERIALS: Final = words("Oak Steel Linen Cork Glass Wool Bamboo Copper Ceramic Leather")
THINGS: Final = words(
    "Lamp Tray Stool Basket Teapot Notebook Clock Vase Bowl Cushion Mirror Planter"
)
NOTES: Final = (
    "Please ring twice",
    "Leave it with the neighbour",
    "A present: no prices in the parcel, please",
    "Deliver after 18:00",
    "Call before delivery",
)
