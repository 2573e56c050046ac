// Written by tools/generate-unicode-tables, not by hand.
// Source: Hugging Face tokenizers 0.23.3 asked about every scalar value.

/// The scripts that a regular expression may name.
enum ScriptNames {
  /// The spellings of 171 scripts, without what is passed over in names.
  static let spellings: StaticString = """
    unknown=zzzz common=zyyy latin=latn bopomofo=bopo inherited=zinh=qaai greek=grek coptic=copt=qaac cyrillic=cyrl
    armenian=armn hebrew=hebr arabic=arab syriac=syrc thaana=thaa nko=nkoo samaritan=samr mandaic=mand
    devanagari=deva bengali=beng gurmukhi=guru gujarati=gujr oriya=orya tamil=taml telugu=telu kannada=knda
    malayalam=mlym sinhala=sinh thai lao=laoo tibetan=tibt myanmar=mymr georgian=geor hangul=hang ethiopic=ethi
    cherokee=cher canadianaboriginal=cans ogham=ogam runic=runr tagalog=tglg hanunoo=hano buhid=buhd tagbanwa=tagb
    khmer=khmr mongolian=mong limbu=limb taile=tale newtailue=talu buginese=bugi taitham=lana balinese=bali
    sundanese=sund batak=batk lepcha=lepc olchiki=olck braille=brai glagolitic=glag tifinagh=tfng han=hani
    hiragana=hira katakana=kana yi=yiii lisu vai=vaii bamum=bamu sylotinagri=sylo phagspa=phag saurashtra=saur
    kayahli=kali rejang=rjng javanese=java cham taiviet=tavt meeteimayek=mtei linearb=linb lycian=lyci carian=cari
    olditalic=ital gothic=goth oldpermic=perm ugaritic=ugar oldpersian=xpeo deseret=dsrt shavian=shaw osmanya=osma
    osage=osge elbasan=elba caucasianalbanian=aghb vithkuqi=vith todhri=todr lineara=lina cypriot=cprt
    imperialaramaic=armi palmyrene=palm nabataean=nbat hatran=hatr phoenician=phnx lydian=lydi
    meroitichieroglyphs=mero meroiticcursive=merc kharoshthi=khar oldsoutharabian=sarb oldnortharabian=narb
    manichaean=mani avestan=avst inscriptionalparthian=prti inscriptionalpahlavi=phli psalterpahlavi=phlp
    oldturkic=orkh oldhungarian=hung hanifirohingya=rohg garay=gara yezidi=yezi oldsogdian=sogo sogdian=sogd
    olduyghur=ougr chorasmian=chrs elymaic=elym brahmi=brah kaithi=kthi sorasompeng=sora chakma=cakm mahajani=mahj
    sharada=shrd khojki=khoj multani=mult khudawadi=sind grantha=gran tulutigalari=tutg newa tirhuta=tirh
    siddham=sidd modi takri=takr ahom dogra=dogr warangciti=wara divesakuru=diak nandinagari=nand
    zanabazarsquare=zanb soyombo=soyo paucinhau=pauc sunuwar=sunu bhaiksuki=bhks marchen=marc masaramgondi=gonm
    gunjalagondi=gong makasar=maka kawi cuneiform=xsux cyprominoan=cpmn egyptianhieroglyphs=egyp
    anatolianhieroglyphs=hluw gurungkhema=gukh mro=mroo tangsa=tnsa bassavah=bass pahawhhmong=hmng kiratrai=krai
    medefaidrin=medf miao=plrd tangut=tang nushu=nshu khitansmallscript=kits duployan=dupl signwriting=sgnw
    nyiakengpuachuehmong=hmnp toto wancho=wcho nagmundari=nagm olonal=onao mendekikakui=mend adlam=adlm
    """
}
