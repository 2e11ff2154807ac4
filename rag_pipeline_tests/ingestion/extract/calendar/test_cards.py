"""vCards: the examples of RFC 6350 and RFC 2426, and files as Apple, Android and Outlook write them."""

from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline_tests.ingestion.extract.documents import read, texts

PICTURE = "/9j/4AAQSkZJRgABAQAAAQABAAD"


def card(*lines: str, version: str = "4.0") -> bytes:
    return "\r\n".join(("BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", "")).encode()


def facts(folder: Path, *lines: str, version: str = "4.0") -> list[str]:
    """What is said below the name, without it before each fact."""
    name, *said = texts(read(folder, "a.vcf", card("FN:Ann", *lines, version=version)))
    assert name == "Ann"
    return [line.removeprefix("Ann; ") for line in "\n".join(said).split("\n")]


def test_the_example_of_the_standard(tmp_path: Path) -> None:
    content = card(
        "FN:Simon Perreault",
        "N:Perreault;Simon;;;ing. jr,M.Sc.",
        "BDAY:--0203",
        "ANNIVERSARY:20090808T1430-0500",
        "GENDER:M",
        "LANG;PREF=1:fr",
        "LANG;PREF=2:en",
        "ORG;TYPE=work:Viagenie",
        "ADR;TYPE=work:;Suite D2-630;2875 Laurier;",
        " Quebec;QC;G1V 2M2;Canada",
        'TEL;VALUE=uri;TYPE="work,voice";PREF=1:tel:+1-418-656-9254;ext=102',
        'TEL;VALUE=uri;TYPE="work,cell,voice,video,text":tel:+1-418-262-6501',
        "EMAIL;TYPE=work:simon.perreault@viagenie.ca",
        "GEO;TYPE=work:geo:46.772673,-71.282945",
        "KEY;TYPE=work;VALUE=uri:http://www.viagenie.ca/simon.perreault/simon.asc",
        "TZ:-0500",
        "URL;TYPE=home:http://nomis80.org",
    )
    title, said = read(tmp_path, "a.vcard", content).elements
    assert (title.kind, title.text, said.kind, said.heading_path) == ("Title", "Simon Perreault", "NarrativeText", ("Simon Perreault",))
    assert said.text.replace("Simon Perreault; ", "").split("\n") == [
        "Full name: Simon Perreault ing. jr M.Sc.",
        "Birthday: 3 February",
        "Anniversary: 8 August 2009",
        "Gender: male",
        "Language (preferred): fr",
        "Language: en",
        "Organization (work): Viagenie",
        "Address (work): 2875 Laurier, Suite D2-630, G1V 2M2 Quebec, QC, Canada",
        "Phone (work, preferred): +1-418-656-9254 ext. 102",
        "Phone (work, mobile, video, text messages): +1-418-262-6501",
        "E-mail (work): simon.perreault@viagenie.ca",
        "Coordinates (work): 46.772673, -71.282945",
        "Time zone: -0500",
        "Website (home): http://nomis80.org",
    ]


def test_a_card_of_android(tmp_path: Path) -> None:
    """Version 2.1, with types that have no name, values in quoted-printable over several lines, and a picture."""
    content = (
        "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C5=81=C4=85cka;Ania;;;\n"
        "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=41=6E=69=61=20=C5=81=C4=\n=85=63=6B=61\n"
        "TEL;CELL;PREF:+48 600 100 200\nTEL;WORK;FAX:12 34\n"
        "X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Bunny;1;;;;;;;;;;;;;\n"
        "X-ANDROID-CUSTOM:vnd.android.cursor.item/contact_event;2010-06-05;1;;\n"
        f"PHOTO;ENCODING=BASE64;JPEG:{PICTURE}\n {PICTURE}\n{PICTURE}\n\n"
        "NOTE;ENCODING=QUOTED-PRINTABLE:C:\\new=0D=0Aline\nEND:VCARD\n"
    )
    assert texts(read(tmp_path, "a.vcf", content.encode())) == [
        "Ania Łącka",
        "Ania Łącka; Phone (mobile, preferred): +48 600 100 200\nAnia Łącka; Phone (work, fax): 12 34\nAnia Łącka; Nickname: Bunny\n"
        "Ania Łącka; Anniversary: 5 June 2010\nAnia Łącka; Note: C:\\new\nline",
    ]


def test_a_card_of_apple(tmp_path: Path) -> None:
    told = facts(
        tmp_path,
        "N:;Ann;;;",
        "ORG:Bubba Gump Shrimp Co.;Boats;",
        "TITLE:Shrimp Man",
        "item1.TEL;type=pref:(111) 555-1212",
        "item1.X-ABLabel:Garage",
        "TEL;type=IPHONE;type=CELL;type=VOICE:(404) 555-1212",
        "item2.X-ABRELATEDNAMES:Jenny",
        "item2.X-ABLabel:_$!<Spouse>!$_",
        "item3.ADR;type=HOME:;;42 Plantation St.\\nFloor 2;Baytown;LA;30314;United States",
        "item3.X-ABADR:us",
        "BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-05",
        "X-SOCIALPROFILE;type=twitter:http://twitter.com/ann",
        "IMPP;X-SERVICE-TYPE=Skype;type=HOME:skype:ann.x",
        f"PHOTO;ENCODING=b;TYPE=JPEG:{PICTURE}",
        "NOTE:First\\nSecond\\, third",
        version="3.0",
    )
    assert told == [
        "Organization: Bubba Gump Shrimp Co., Boats",
        "Title: Shrimp Man",
        "Phone (Garage): (111) 555-1212",
        "Phone (iPhone, mobile): (404) 555-1212",
        "Related (Spouse): Jenny",
        "Address (home): 42 Plantation St., Floor 2, 30314 Baytown, LA, United States",
        "Birthday: 5 March",
        "Profile (twitter): http://twitter.com/ann",
        "Messages (home): ann.x",
        "Note: First",
        "Second, third",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("BDAY:19960415", "Birthday: 15 April 1996"),
        ("BDAY:1953-10-15T23:10:00Z", "Birthday: 15 October 1953"),
        ("BDAY:1985-04", "Birthday: April 1985"),
        ("BDAY:1985", "Birthday: 1985"),
        ("BDAY:---12", "Birthday: ---12"),
        ("BDAY:1996-02-31", "Birthday: 1996-02-31"),
        ("BDAY;VALUE=text:circa 1800", "Birthday: circa 1800"),
        ("NICKNAME:Jim,Jimmie", "Nickname: Jim, Jimmie"),
        ("CATEGORIES:INTERNET,IETF", "Categories: INTERNET, IETF"),
        ("RELATED;TYPE=contact;VALUE=text:Please contact my assistant", "Related (contact): Please contact my assistant"),
        ("KIND:org", "Kind: org"),
        ("MEMBER:mailto:bob@example.com", "Member: bob@example.com"),
        ("ORG:a\\;b\\\\;c", "Organization: a;b\\, c"),
        ('EMAIL;TYPE="work, home":a@b.example', "E-mail (work, home): a@b.example"),
        ("Something that nobody named", "Note: Something that nobody named"),
    ],
)
def test_properties(tmp_path: Path, line: str, expected: str) -> None:
    assert facts(tmp_path, line) == [expected]


@pytest.mark.parametrize("line", ["UID:urn:uuid:4", "REV:19951031T222710Z", "RELATED:urn:uuid:f8", "KEY:x", "KIND:individual", "X-O:1"])
def test_what_only_programs_need_is_left_out(tmp_path: Path, line: str) -> None:
    assert texts(read(tmp_path, "a.vcf", card("FN:Ann", line))) == ["Ann"]


def test_names_from_what_there_is(tmp_path: Path) -> None:
    cards = card("N:Public;John;Quinlan,Paul;Mr.;Esq.") + card("ORG:ABC\\, Inc.;North") + card("EMAIL:a@b.example")
    found = texts(read(tmp_path, "a.vcf", cards))
    assert found == [
        "Mr. John Quinlan Paul Public Esq.",
        "ABC, Inc., North",
        "ABC, Inc., North; Organization: ABC, Inc., North",
        "Contact",
        "E-mail: a@b.example",
    ]


def test_cards_without_ends_and_in_cards(tmp_path: Path) -> None:
    content = b"BEGIN:VCARD\nFN:One\nTEL:1\nBEGIN:VCARD\nFN:Two\nAGENT:\nBEGIN:VCARD\nFN:Three\nTEL:3\nEND:VCARD\nTEL:2"
    assert texts(read(tmp_path, "a.vcf", content)) == ["One", "One; Phone: 1", "Three", "Three; Phone: 3", "Two", "Two; Phone: 2"]


def test_an_encoding_that_the_card_declares(tmp_path: Path) -> None:
    content = "BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=windows-1251:Иван Петров\nEND:VCARD\n".encode("cp1251")
    assert texts(read(tmp_path, "a.vcf", content)) == ["Иван Петров"]


def test_a_card_of_nothing_is_empty_and_a_table_of_genes_is_text(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.vcf", card("UID:1", f"PHOTO:{PICTURE}"))
    assert raised.value.code == "empty"
    assert texts(read(tmp_path, "a.vcf", b"##fileformat=VCFv4.2\n#CHROM\tPOS\n1\t100\n")) == ["##fileformat=VCFv4.2\n#CHROM\tPOS\n1\t100"]
