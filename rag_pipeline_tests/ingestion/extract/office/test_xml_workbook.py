"""XML Spreadsheet 2003, and tables that stand beside each other in a sheet."""

from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import media_type_of
from rag_pipeline.ingestion.extract.office.family import XML_WORKBOOK
from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts, workbook

WORKBOOK = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
 <DocumentProperties xmlns="urn:schemas-microsoft-com:office:office"><Author>Ottilie Brandvold</Author></DocumentProperties>
 <Styles><Style ss:ID="s1"><NumberFormat ss:Format="&quot;€&quot;#,##0.00"/></Style>
 <Style ss:ID="s2"><NumberFormat ss:Format="Percent"/></Style></Styles>
 <Worksheet ss:Name="Costs"><Table>
  <Row><Cell ss:MergeAcross="3"><Data ss:Type="String">Costs by berth</Data></Cell></Row>
  <Row ss:Index="3"><Cell><Data ss:Type="String">Berth</Data></Cell><Cell><Data ss:Type="String">Fee</Data></Cell>
   <Cell><Data ss:Type="String">Share</Data></Cell><Cell><Data ss:Type="String">Day</Data></Cell><Cell ss:Index="6"/></Row>
  <Row><Cell><Data ss:Type="String">Heron&#10;Quay</Data><Comment ss:Author="Bo"><ss:Data>A doubt.</ss:Data></Comment></Cell>
   <Cell ss:StyleID="s1"><Data ss:Type="Number">1250.75</Data></Cell><Cell ss:StyleID="s2"><Data ss:Type="Number">0.125</Data></Cell>
   <Cell><Data ss:Type="DateTime">2027-10-14T00:00:00.000</Data></Cell></Row>
  <Row><Cell><Data ss:Type="String">Osprey Quay</Data></Cell>
   <Cell ss:Index="4"><Data ss:Type="DateTime">2027-01-05T08:30:00.000</Data></Cell></Row>
 </Table></Worksheet>
 <Worksheet ss:Name="Empty"><Table/></Worksheet>
</Workbook>"""


@pytest.mark.parametrize("name", ["report.xls", "report.xml", "report"])
def test_an_xml_workbook_is_a_workbook_whatever_its_name(tmp_path: Path, name: str) -> None:
    assert media_type_of(name, WORKBOOK.encode()) == XML_WORKBOOK
    extraction = read(tmp_path, name, WORKBOOK.encode())
    assert texts(extraction) == [
        "Author: Ottilie Brandvold",
        "Costs",
        "Costs by berth",
        "Berth || Fee || Share || Day\nHeron Quay | €1250.75 | 12.5% | 2027-10-14\nOsprey Quay |  |  | 2027-01-05 08:30:00",
        "Sheets without rows: Empty",
        "Comment by Bo: A doubt.",
    ]
    assert extraction.pages == 2


def test_what_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.xls", WORKBOOK[: WORKBOOK.index("<Cell ss:Index")].encode())
    assert "Costs by berth" in texts(extraction)
    assert "damaged" in extraction.notes[0]
    with pytest.raises(DocumentError):
        read(tmp_path, "b.xls", WORKBOOK[: WORKBOOK.index("<Styles>")].encode())


def test_tables_beside_each_other_have_names_though_a_column_between_them_has_none(tmp_path: Path) -> None:
    rows = [["Berth", "Cost", "", "Month", "Ships"], ["Heron", 12, "", "January", 5], ["Osprey", 3, "", "February", 7]]
    beside = element_with(read(tmp_path, "a.xlsx", workbook({"S": rows})), "Heron")
    assert beside.table_header == "Berth || Cost ||  || Month || Ships"
    gap = [["Berth", "", "Cost"], ["Heron", "late", 12], ["Osprey", "", 3]]
    assert element_with(read(tmp_path, "b.xlsx", workbook({"S": gap})), "Heron").table_header is None
