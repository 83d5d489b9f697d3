//! Invoices and payments.

use super::{
    ADDRESS, CUSTOM_FIELD, Class, EMAIL, LINKED_TRANSACTION, MEMO,
    Shape::{Anything, Choice, Date, Flag, Integer, Many, Money, One, Quantity, Reference, Text},
    artefact, entity, member, read_only,
};

const MARKUP: Class = Class {
    name: "MarkupInfo",
    members: &[
        member("PercentBased", Flag),
        member("Value", Quantity),
        member("Percent", Quantity),
        member("PriceLevelRef", Reference),
        member("MarkUpIncomeAccountRef", Reference),
    ],
};

const SALES_ITEM: Class = Class {
    name: "SalesItemLineDetail",
    members: &[
        member("ItemRef", Reference),
        member("UnitPrice", Quantity),
        member("Qty", Quantity),
        member("TaxCodeRef", Reference),
        member("ClassRef", Reference),
        member("ServiceDate", Date),
        member("DiscountRate", Quantity),
        member("DiscountAmt", Money),
        member("TaxInclusiveAmt", Money),
        member("MarkupInfo", One(&MARKUP)),
        member("PriceLevelRef", Reference),
        read_only("RatePercent"),
        read_only("ItemAccountRef"),
        read_only("TaxClassificationRef"),
        read_only("DeferredRevenue"),
        read_only("UOMRef"),
    ],
};

const DISCOUNT: Class = Class {
    name: "DiscountLineDetail",
    members: &[
        member("PercentBased", Flag),
        member("DiscountPercent", Quantity),
        member("DiscountAccountRef", Reference),
        member("ClassRef", Reference),
        member("TaxCodeRef", Reference),
        read_only("DiscountRef"),
        read_only("ServiceDate"),
        read_only("TaxInclusiveAmt"),
    ],
};

const SUB_TOTAL: Class = Class {
    name: "SubTotalLineDetail",
    members: &[
        read_only("ItemRef"),
        read_only("Qty"),
        read_only("UnitPrice"),
        read_only("ClassRef"),
        read_only("TaxCodeRef"),
        read_only("ServiceDate"),
    ],
};

const DESCRIPTION: Class = Class {
    name: "DescriptionLineDetail",
    members: &[member("ServiceDate", Date), member("TaxCodeRef", Reference)],
};

const GROUP: Class = Class {
    name: "GroupLineDetail",
    members: &[
        member("GroupItemRef", Reference),
        member("Quantity", Quantity),
        member("ServiceDate", Date),
        member("Line", Many(&GROUPED_LINE)),
        read_only("UOMRef"),
    ],
};

const GROUPED_LINE: Class = Class {
    name: "Line",
    members: &[
        member("Id", Text(30)),
        member("LineNum", Integer),
        member("Description", Text(4000)),
        member("Amount", Money),
        member("DetailType", Text(40)),
        member("SalesItemLineDetail", One(&SALES_ITEM)),
        member("DescriptionLineDetail", One(&DESCRIPTION)),
        member("LinkedTxn", Many(&LINKED_TRANSACTION)),
        read_only("CustomField"),
    ],
};

const LINE: Class = Class {
    name: "Line",
    members: &[
        member("Id", Text(30)),
        member("LineNum", Integer),
        member("Description", Text(4000)),
        member("Amount", Money),
        member("DetailType", Text(40)),
        member("SalesItemLineDetail", One(&SALES_ITEM)),
        member("DiscountLineDetail", One(&DISCOUNT)),
        member("SubTotalLineDetail", One(&SUB_TOTAL)),
        member("SubtotalLineDetail", One(&SUB_TOTAL)),
        member("DescriptionLineDetail", One(&DESCRIPTION)),
        member("GroupLineDetail", One(&GROUP)),
        member("LinkedTxn", Many(&LINKED_TRANSACTION)),
        read_only("CustomField"),
        read_only("Received"),
        artefact("LineEx"),
    ],
};

const TAX_LINE_DETAIL: Class = Class {
    name: "TaxLineDetail",
    members: &[
        member("TaxRateRef", Reference),
        member("PercentBased", Flag),
        member("TaxPercent", Quantity),
        member("NetAmountTaxable", Money),
        member("TaxInclusiveAmount", Money),
        member("OverrideDeltaAmount", Money),
        read_only("ServiceDate"),
    ],
};

const TAX_LINE: Class = Class {
    name: "Line",
    members: &[
        member("Id", Text(30)),
        member("LineNum", Integer),
        member("Amount", Money),
        member("DetailType", Text(40)),
        member("TaxLineDetail", One(&TAX_LINE_DETAIL)),
    ],
};

const TXN_TAX_DETAIL: Class = Class {
    name: "TxnTaxDetail",
    members: &[
        member("TxnTaxCodeRef", Reference),
        member("TotalTax", Money),
        member("TaxLine", Many(&TAX_LINE)),
        read_only("DefaultTaxCodeRef"),
        read_only("TaxReviewStatus"),
    ],
};

pub(crate) static INVOICE: Class = entity!(
    "Invoice",
    member("CustomerRef", Reference),
    member("Line", Many(&LINE)),
    member("DocNumber", Text(21)),
    member("TxnDate", Date),
    member("DueDate", Date),
    member("SalesTermRef", Reference),
    member("ClassRef", Reference),
    member("DepartmentRef", Reference),
    member("PaymentMethodRef", Reference),
    member("ShipMethodRef", Reference),
    member("ShipDate", Date),
    member("TrackingNum", Text(31)),
    member("BillAddr", One(&ADDRESS)),
    member("ShipAddr", One(&ADDRESS)),
    member("ShipFromAddr", One(&ADDRESS)),
    member("BillEmail", One(&EMAIL)),
    member("BillEmailCc", One(&EMAIL)),
    member("BillEmailBcc", One(&EMAIL)),
    member("EmailStatus", Choice(&["NotSet", "NeedToSend", "EmailSent"])),
    member("PrintStatus", Choice(&["NotSet", "NeedToPrint", "PrintComplete"])),
    member("CustomerMemo", One(&MEMO)),
    member("PrivateNote", Text(4000)),
    member("CurrencyRef", Reference),
    member("ExchangeRate", Quantity),
    member("AllowOnlineACHPayment", Flag),
    member("AllowOnlineCreditCardPayment", Flag),
    member("AllowOnlinePayment", Flag),
    member("AllowIPNPayment", Flag),
    member("ApplyTaxAfterDiscount", Flag),
    member("GlobalTaxCalculation", Choice(&["TaxExcluded", "TaxInclusive", "NotApplicable"])),
    member("TxnTaxDetail", One(&TXN_TAX_DETAIL)),
    member("Deposit", Money),
    member("DepositToAccountRef", Reference),
    member("CustomField", Many(&CUSTOM_FIELD)),
    member("LinkedTxn", Many(&LINKED_TRANSACTION)),
    member("ProjectRef", Reference),
    member("TransactionLocationType", Text(30)),
    read_only("TotalAmt"),
    read_only("Balance"),
    read_only("HomeTotalAmt"),
    read_only("HomeBalance"),
    read_only("InvoiceLink"),
    read_only("DeliveryInfo"),
    read_only("RecurDataRef"),
    read_only("TaxExemptionRef"),
    read_only("FreeFormAddress"),
    read_only("EInvoiceStatus"),
    read_only("ECloudStatusTimeStamp"),
    read_only("ARAccountRef"),
    read_only("AutoDocNumber"),
    read_only("CheckPayment"),
    read_only("CreditCardPayment"),
    read_only("ConvenienceFeeDetail"),
    read_only("DiscountAmt"),
    read_only("DiscountRate"),
    read_only("FOB"),
    read_only("InvoiceEx"),
    read_only("LessCIS"),
    read_only("PONumber"),
    read_only("PaymentDetailsMessage"),
    read_only("PaymentRefNum"),
    read_only("PaymentType"),
    read_only("RecurringInfo"),
    read_only("RemitToRef"),
    read_only("SalesRepRef"),
    read_only("Tag"),
    read_only("TaxFormNum"),
    read_only("TaxFormType"),
    read_only("TemplateRef"),
    read_only("TxnApprovalInfo"),
    read_only("TxnSource"),
    read_only("TxnStatus"),
    read_only("callToAction"),
    read_only("invoiceStatus"),
    read_only("invoiceStatusLog"),
);

const PAYMENT_LINE: Class = Class {
    name: "Line",
    members: &[
        member("Id", Text(30)),
        member("LineNum", Integer),
        member("Description", Text(4000)),
        member("Amount", Money),
        member("DetailType", Text(40)),
        member("LinkedTxn", Many(&LINKED_TRANSACTION)),
        read_only("CustomField"),
        artefact("LineEx"),
    ],
};

pub(crate) static PAYMENT: Class = entity!(
    "Payment",
    member("CustomerRef", Reference),
    member("TotalAmt", Money),
    member("Line", Many(&PAYMENT_LINE)),
    member("TxnDate", Date),
    member("DepositToAccountRef", Reference),
    member("ARAccountRef", Reference),
    member("PaymentMethodRef", Reference),
    member("PaymentRefNum", Text(21)),
    member("PrivateNote", Text(4000)),
    member("CurrencyRef", Reference),
    member("ExchangeRate", Quantity),
    member("ProjectRef", Reference),
    member("CreditCardPayment", Anything),
    member("ProcessPayment", Flag),
    member("TransactionLocationType", Text(30)),
    read_only("UnappliedAmt"),
    read_only("HomeTotalAmt"),
    read_only("TxnSource"),
    read_only("TxnStatus"),
    read_only("LinkedTxn"),
    read_only("DocNumber"),
    read_only("PaymentType"),
    read_only("CheckPayment"),
    read_only("TaxExemptionRef"),
);
